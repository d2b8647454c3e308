"""The list is taken as it is published, and a path that leaves the tree never."""

import tracemalloc
from pathlib import Path

import pytest

from ecgmm.data.download.checksum_list import ListedFile, check_list, read_list
from ecgmm.errors import DataError

DIGEST = "ab" * 32


def listed(folder: Path, *lines: str) -> Path:
    file = folder / "SHA256SUMS.txt"
    file.write_bytes(b"".join(line.encode() + b"\n" for line in lines))
    return file


@pytest.mark.parametrize("line", [f"{DIGEST} a/b c.hea", f"{DIGEST}  a/b c.hea", f"{DIGEST} *a/b c.hea",
                                  f"{DIGEST.upper()}  ./a/b c.hea", f"{DIGEST}\ta/b c.hea\r"])  # fmt: skip
def test_every_usual_form_of_a_line_is_read(tmp_path: Path, line: str) -> None:
    assert list(read_list(listed(tmp_path, line))) == [ListedFile("a/b c.hea", DIGEST)]


@pytest.mark.parametrize(
    "path", ["../a", "/a", "a/../../b", "a/..", "a//b", "a/./b", "..", ".", "a\\..\\b", "a\x00b", "a/", "././../a"]
)
def test_a_path_outside_the_tree_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(DataError, match=r"line 2 of .*outside the tree"):
        check_list(listed(tmp_path, f"{DIGEST}  good", f"{DIGEST}  {path}"))


@pytest.mark.parametrize("line", ["", "abc  file", DIGEST, f"{DIGEST}file", f"{DIGEST}  ", "x" * 64 + "  file"])
def test_a_line_that_is_none_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(DataError, match=r"line 1 of .* is no sha256 and path"):
        check_list(listed(tmp_path, line, f"{DIGEST}  good"))


def test_a_list_cut_short_within_a_line_is_refused(tmp_path: Path) -> None:
    file = listed(tmp_path, f"{DIGEST}  a", f"{DIGEST}  b")
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(DataError, match="line 2"):
        check_list(file)


def test_no_file_and_the_same_file_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lists no file"):
        check_list(listed(tmp_path))
    with pytest.raises(DataError, match="lists 1 paths more than once"):
        check_list(listed(tmp_path, f"{DIGEST}  a", f"{'cd' * 32}  ./a"))


def test_a_list_that_lists_itself_is_read_without_that_line(tmp_path: Path) -> None:
    assert check_list(listed(tmp_path, f"{DIGEST}  a", f"{DIGEST}  SHA256SUMS.txt")) == 1


def test_memory_is_a_few_bytes_a_file(tmp_path: Path) -> None:
    file = listed(tmp_path, *(f"{DIGEST}  files/p1000/p{number}/s{number}/{number}.hea" for number in range(20_000)))
    tracemalloc.start()
    try:
        assert check_list(file) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000 * 64
