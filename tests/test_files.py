import json
import os
import stat
from pathlib import Path

import pytest

from ecgmm.errors import DataError
from ecgmm.files import file_sha256, in_units, inside, open_regular, read_bounded, read_json, write_json, write_whole


def folder(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [folder, fifo, link_to_device])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: object) -> None:
    path = tmp_path / "a.json"
    make(path)  # type: ignore[operator]  # one of the three above
    for read in (open_regular, file_sha256, lambda file: read_bounded(file, 10), lambda file: read_json(file, "cure")):
        with pytest.raises(DataError, match=r"a\.json is not a regular file"):
            read(path)


def test_a_file_is_read_up_to_its_bound_and_not_further(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bounded(tmp_path / "a", 5) == b"12345"
    with pytest.raises(DataError, match="larger than 4 bytes"):
        read_bounded(tmp_path / "a", 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
    ],
)
def test_damaged_json_is_a_sentence_with_the_cure(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json is damaged.*; train again"):
        read_json(tmp_path / "a.json", "train again")


def test_missing_json_is_a_sentence_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json is missing; train again"):
        read_json(tmp_path / "a.json", "train again")


def test_json_is_strict_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"value": 1.5})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"value": float("nan")})
    assert read_json(path, "") == json.loads(path.read_text()) == {"value": 1.5}
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces_a_link_and_leaves_its_victim(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "out"
    victim.write_text("precious")
    path.symlink_to(victim)
    write_whole(path, b"new")
    assert victim.read_text() == "precious"
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_a_private_file_is_its_owner_s_alone(tmp_path: Path, private: bool, mode: int) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "a", b"", private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_no_link_below_a_foreign_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "evaluation").symlink_to(tmp_path)
    (tmp_path / "named").symlink_to(tmp_path / "run")
    assert inside(tmp_path / "named", "model", "model.json").name == "model.json"
    with pytest.raises(DataError, match="is a link"):
        inside(tmp_path / "run", "evaluation", "a.json")


def test_bytes_are_written_for_people() -> None:
    assert [in_units(n) for n in (0, 999, 96_500_000_000, 2.5e12)] == ["0 B", "999 B", "96.5 GB", "2.5 TB"]
