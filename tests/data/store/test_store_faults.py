"""A store opens with what was written, or says in one sentence why not: damaged only what its content proves to be."""

import errno
import json
import os
import random
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.rows import SAMPLE, check_all_rows, check_some_rows
from ecgmm.data.store.splits import split_digest
from ecgmm.data.store.store import EVIDENCE, MANIFEST, RECORDS, REPORTS, WAVEFORMS, Store
from ecgmm.data.store.waveform_file import HEADER_BYTES
from ecgmm.errors import DataError
from ecgmm.files import file_sha256
from tests.data.store_damage import FILES, MOVED, PROVEN, REPLACED, SYSTEM_SAYS_NO, refused
from tests.data.trees import edit_manifest

HARMFUL = re.compile(r"\b(remove|delete|overwrite)\b.{0,20}\b(it|folder|store|file|waveforms|records)\b")


@pytest.fixture
def store(tiny_store: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_store, tmp_path / "store")


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as raised:
        check_all_rows(Store.open(path))
    message = str(raised.value)
    assert "\n" not in message
    assert str(path) in message
    assert not HARMFUL.search(message)
    return message


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", REPLACED)
def test_a_file_replaced_is_refused(store: Path, name: str, damage: str) -> None:
    REPLACED[damage](store / name)
    message = refusal(store)
    lost = name == MANIFEST and damage in ("missing", "a link to nothing")
    assert ("damaged store" in message) == (damage in PROVEN and not lost)
    assert name in message


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", MOVED)
def test_the_same_content_reached_otherwise_is_the_same_store(
    store: Path, tiny_store: Path, name: str, how: str
) -> None:
    MOVED[how](store / name)
    assert Store.open(store).fingerprint == Store.open(tiny_store).fingerprint
    check_all_rows(Store.open(store))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("number", SYSTEM_SAYS_NO, ids=errno.errorcode.get)
def test_what_the_system_refuses_is_never_called_damaged(store: Path, name: str, number: int) -> None:
    with refused(store / name, number):
        message = refusal(store)
    assert "damaged" not in message
    assert os.strerror(number) in message
    cures = {errno.EACCES: "right to read", errno.EMFILE: "ulimit -n", errno.ENOMEM: "ulimit -v", errno.EIO: "disk"}
    assert cures.get(number, "") in message
    check_all_rows(Store.open(store))


def test_memory_that_does_not_suffice_for_the_map_is_said(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (MemoryError(), OSError(errno.ENOMEM, "Cannot allocate memory")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(np, "memmap", fail)
            message = refusal(store)
        assert "damaged" not in message
        assert "ulimit -v" in message


@pytest.mark.parametrize("name", FILES)
def test_no_flipped_bit_is_overlooked(store: Path, tiny_store: Path, name: str) -> None:
    sound = Store.open(tiny_store)
    content = (store / name).read_bytes()
    rng = random.Random(name)
    for _ in range(30):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (store / name).write_bytes(flipped)
        try:
            opened = Store.open(store)
            check_all_rows(opened)
        except DataError:
            continue
        assert name in (MANIFEST, WAVEFORMS)  # blanks between values; the padding of the header
        assert opened.manifest == sound.manifest
        np.testing.assert_array_equal(opened.waveforms, sound.waveforms)


Change = Callable[[pl.DataFrame], pl.DataFrame]


def one_patient_in_another_split(records: pl.DataFrame) -> pl.DataFrame:
    repeated = records.filter((pl.col("split") == "test") & pl.col("patient").is_duplicated())["record"][0]
    return records.with_columns(split=pl.when(pl.col("record") == repeated).then(pl.lit("train")).otherwise("split"))


CHANGES: dict[str, Change] = {
    "splits reversed": lambda records: records.with_columns(pl.col("split").reverse()),
    "a patient in two splits": one_patient_in_another_split,
    "two columns exchanged": lambda records: records.rename({"drift_mv": "noise_mv", "noise_mv": "drift_mv"}),
    "rows in another order": lambda records: records.reverse(),
    "reports exchanged": lambda records: records.with_columns(pl.col("report").reverse()),
    "a column more": lambda records: records.with_columns(extra=pl.lit(1)),
    "a column less": lambda records: records.drop("quality"),
    "a row less": lambda records: records[:-1],
    "a row more": lambda records: pl.concat([records, records[:1]]),
    "one column": lambda records: records.with_columns(pl.col("noise_mv").shuffle(seed=1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_records_are_refused(store: Path, change: str) -> None:
    records = pl.read_parquet(store / RECORDS)
    CHANGES[change](records).write_parquet(store / RECORDS)
    assert f"{RECORDS} was changed" in refusal(store)


@pytest.mark.parametrize("change", ["splits reversed", "a patient in two splits", "a row less"])
def test_records_whose_digests_were_written_anew_are_refused_all_the_same(store: Path, change: str) -> None:
    files = Store.open(store).manifest["files"]
    CHANGES[change](pl.read_parquet(store / RECORDS)).write_parquet(store / RECORDS)
    edit_manifest(store, files=files | {RECORDS: file_sha256(store / RECORDS)})
    assert "damaged store" in refusal(store)


def test_a_torn_patient_is_named_even_where_the_split_digest_fits(store: Path) -> None:
    sound = Store.open(store)
    torn = one_patient_in_another_split(sound.records)
    torn.write_parquet(store / RECORDS)
    files = sound.manifest["files"] | {RECORDS: file_sha256(store / RECORDS)}
    edit_manifest(store, files=files, split=sound.manifest["split"] | {"digest": split_digest(torn)})
    assert "1 patients in more than one split" in refusal(store)


def test_other_reports_are_refused(store: Path) -> None:
    reports = pl.read_parquet(store / REPORTS)
    reports.with_columns(pl.col("statements", "text").reverse()).write_parquet(store / REPORTS)
    assert f"{REPORTS} was changed" in refusal(store)


@pytest.mark.parametrize(
    "change", [{"lead_std_mv": [0.0] * 12}, {"uv_per_step": -5}, {"n_records": "7"}, {"evidence": None}, {"more": 1}]
)
def test_an_edited_manifest_is_refused(store: Path, change: dict[str, object]) -> None:
    manifest = json.loads((store / MANIFEST).read_text())
    (store / MANIFEST).write_text(json.dumps(manifest | change))
    assert f"{MANIFEST} was changed" in refusal(store)


def overwrite(store: Path, offset: int, content: bytes) -> None:
    with (store / WAVEFORMS).open("r+b") as file:
        file.seek(HEADER_BYTES + offset)
        file.write(content)


def test_noise_and_single_bits_in_waveforms_are_noticed(store: Path) -> None:
    sound = Store.open(store)
    row_bytes, n_rows = sound.waveforms[0].nbytes, len(sound.waveforms)
    assert n_rows <= SAMPLE  # the sample of a small store is all of it
    check_some_rows(sound)
    rng = random.Random(0)
    for row in (0, n_rows - 1, rng.randrange(n_rows)):
        offset = row * row_bytes + rng.randrange(row_bytes)
        before = sound.waveforms.tobytes()[offset]
        overwrite(store, offset, bytes([before ^ 1 << rng.randrange(8)]))
        for check in (check_all_rows, check_some_rows):
            with pytest.raises(DataError, match=rf"damaged store: 1 of {n_rows} waveforms .* \(rows {row}\)"):
                check(Store.open(store))
        overwrite(store, offset, bytes([before]))
    check_all_rows(Store.open(store))
    overwrite(store, 0, rng.randbytes(n_rows * row_bytes))
    assert f"{n_rows} of {n_rows} waveforms" in refusal(store)


def test_exchanged_waveforms_are_noticed(store: Path) -> None:
    steps = Store.open(store).waveforms
    first, second = steps[0].tobytes(), steps[1].tobytes()
    overwrite(store, 0, second + first)
    assert "(rows 0, 1)" in refusal(store)


@pytest.mark.parametrize(
    ("old", "new"), [(b"'fortran_order': False", b"'fortran_order': True "), (b"'<i2'", b"'>i2'"), (b"1000)", b"1001)")]
)
def test_a_header_that_says_otherwise_is_refused(store: Path, old: bytes, new: bytes) -> None:
    content = (store / WAVEFORMS).read_bytes()
    assert old in content[:HEADER_BYTES]
    (store / WAVEFORMS).write_bytes(content[:HEADER_BYTES].replace(old, new) + content[HEADER_BYTES:])
    assert f"header of {WAVEFORMS}" in refusal(store)


def test_bytes_behind_the_rows_change_nothing(store: Path, tiny_store: Path) -> None:
    with (store / WAVEFORMS).open("ab") as file:
        file.write(b"more")
    np.testing.assert_array_equal(Store.open(store).waveforms, Store.open(tiny_store).waveforms)
    check_all_rows(Store.open(store))


def test_a_store_cut_while_it_is_open_is_noticed_by_the_next_look(store: Path) -> None:
    opened = Store.open(store)
    os.truncate(store / WAVEFORMS, HEADER_BYTES + 100)
    with pytest.raises(DataError, match="ends before its last row"):
        check_some_rows(opened)


def test_evidence_of_a_store_that_was_replaced_meanwhile_is_not_called_damaged(store: Path) -> None:
    opened = Store.open(store)
    evidence = opened.evidence()
    edit_manifest(store, rate_hz=250)
    evidence.reverse().write_parquet(store / EVIDENCE)
    with pytest.raises(DataError, match="open it again"):
        opened.evidence()


@pytest.mark.parametrize("content", ["[]", "7", '"text"', "null", "[" * 100_000, '{"schema_version": 2}', "{}", "\x00"])
def test_a_manifest_that_is_something_else_is_refused(store: Path, content: str) -> None:
    (store / MANIFEST).write_text(content)
    refusal(store)


def test_a_store_that_is_replaced_while_it_is_opened_is_one_or_the_other(tmp_path: Path, tiny_store: Path) -> None:
    """Growth renames the folder: what is opened never mixes two stores, and is never called damaged."""
    first, second = (shutil.copytree(tiny_store, tmp_path / name) for name in ("first", "second"))
    edit_manifest(second, rate_hz=250)
    place, stop, wrong = tmp_path / "x", threading.Event(), []
    fingerprints = {Store.open(path).fingerprint for path in (first, second)}
    place.symlink_to(first)

    def exchange() -> None:
        while not stop.is_set():
            for target in (second, first):
                (tmp_path / "y").symlink_to(target)
                (tmp_path / "y").replace(place)

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        wrong += [opened for _ in range(20) if (opened := Store.open(place).fingerprint) not in fingerprints]
    finally:
        stop.set()
        thread.join()
    assert not wrong


def test_files_that_name_patients_are_their_owners_alone(tiny_store: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o077 for path in tiny_store.iterdir()}
    assert [name for name in modes if name.endswith(".parquet") and modes[name]] == []
    for path in tiny_store.iterdir():  # what a lab shares by chmod opens as before
        path.chmod(0o640)
    Store.open(tiny_store)
    for path in tiny_store.glob("*.parquet"):
        path.chmod(0o600)
