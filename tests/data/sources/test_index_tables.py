"""Tables are read as they are, or refused in one sentence that shows none of their content."""

import bz2
import datetime
import gzip
import io
import lzma
import os
import zipfile
import zlib
from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.sources.csv_structure import MOST_COLUMNS, MOST_ROW_BYTES
from ecgmm.data.sources.index_tables import INTEGER, NUMBER, TEXT, TIME, read_table, read_values, to_integer, to_time
from ecgmm.data.sources.known_values import FEW
from ecgmm.errors import DataError


def test_empty_fields_are_null_and_all_else_is_text(tmp_path: Path) -> None:
    (tmp_path / "[1].csv").write_bytes(b'\xef\xbb\xbfa,b\r\n,""\r\n007," x\n""y"""\r\n')
    assert read_table(tmp_path / "[1].csv", ["b"], "").rows() == [(None, None), ("007", ' x\n"y"')]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing; fetch it"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n1,2\n3\n", "is damaged at line 3"),
        (b'a,b\n1,"2\n3,4\n', "is damaged at line 2"),
        (b"a,b\nM\xfcller,2\n", "is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "is damaged at line|is not UTF-8|has no column"),
        (b"a,a,b\n1,2,3\n", "names a column twice"),
        (b"a,c\n1,2\n", "has no column b"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        read_table(path, ["a", "b"], "fetch it")
    assert "\n" not in str(raised.value)
    assert "ller" not in str(raised.value)


def test_a_folder_in_the_place_of_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a regular file"):
        read_table(tmp_path, ["a"], "fetch it")


NOT_WHOLE = ("9223372036854775808", "1e7", "5.5", "5.0.0", "1_0", "５", "0x1", "nan", "", "5\0", "1,0")
WHOLE = {"5": 5, "5.0": 5, " 5 ": 5, "-5": -5, "007": 7, "9223372036854775807": 2**63 - 1}


@pytest.mark.parametrize(("text", "number"), [*WHOLE.items(), *((text, None) for text in NOT_WHOLE)])
def test_only_whole_numbers_are_integers(text: str, number: int | None) -> None:
    assert pl.DataFrame({"a": [text]}).select(to_integer("a"))["a"].to_list() == [number]


TIMES = (
    *("2182-09-22 12:04:00", " 2182-9-22 12:4:0 ", "2182-09-22T12:04:00", "2182-09-22 12:04:00.000"),
    *("2182-09-22T12:04:00Z", "2182-09-22 12:04:00+00:00", "2182-09-22T12:04:00.0000001Z"),
)


@pytest.mark.parametrize("text", TIMES)
def test_times_are_read(text: str) -> None:
    assert pl.DataFrame({"a": [text]}).select(to_time("a"))["a"].to_list() == [datetime.datetime(2182, 9, 22, 12, 4)]


def test_fractions_of_a_second_are_kept() -> None:
    time = datetime.datetime(2182, 9, 22, 12, 4, 0, 250_000)
    assert pl.DataFrame({"a": ["2182-09-22 12:04:00.25"]}).select(to_time("a"))["a"].to_list() == [time]


NO_TIMES = (
    *("7/23/2180 8:44", "23.07.2180 08:44:00", "2182-09-22 12:04", "2182-09-22T12:04:00+01:00", "20820922T120400"),
    *("2182-09-22T12:04:00 CET", "1758542640", "2182-09-22T12:04:00.", "2182-09-22TT12:04:00", "2182-09-22 12:04:00Z0"),
    *("", "noon", "2182-09-22", "2182-02-30 12:04:00", "2182-09-22 12:04:60", "2182-09-22 24:00:00"),
    *("0000-01-01 00:00:00", "-2182-09-22 12:04:00", "82-09-22 12:04:00", "２182-09-22 12:04:00"),
)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_python_takes_for_no_time_is_missing(text: str) -> None:
    assert pl.DataFrame({"a": [text]}).select(to_time("a"))["a"].to_list() == [None]


PLAIN = b"a,b\n1,2\n"


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("table.csv", PLAIN)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(stream)
    return stream.getvalue()


OTHER_KINDS = {
    "gzip": (gzip.compress(PLAIN), "is a gzip file; unpack it with gunzip"),
    "gzip cut short": (gzip.compress(PLAIN * 100)[:20], "is a gzip file; unpack it"),
    "zip": (zipped(), "is a zip archive or an Excel workbook; unpack it"),
    "xz": (lzma.compress(PLAIN), "is an xz file; unpack it with unxz"),
    "bzip2": (bz2.compress(PLAIN), "is a bzip2 file; unpack it with bunzip2"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\x00" + PLAIN, "is a zstd file; unpack it"),
    "zlib": (zlib.compress(PLAIN), "is zlib data; unpack it"),
    "parquet": (parquet(), "is a parquet file; save it"),
    "UTF-16": (PLAIN.decode().encode("utf-16"), "is not UTF-8 but UTF-16 text; save it as UTF-8"),
    "UTF-16, no mark": (PLAIN.decode().encode("utf-16-le"), "is not UTF-8 text"),
    "UTF-32": (PLAIN.decode().encode("utf-32"), "is not UTF-8 but UTF-32 text; save it as UTF-8"),
    "web page": (b"\n<!DOCTYPE HTML>\n<html>", "is a web page; download the table itself"),
    "JSON": (b'[{"a": 1, "b": 2}]', "is JSON; download the table itself"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS; fetch"),
    "semicolons": (b'"a";"b"\n1;2,5\n', "is separated by semicolons; save it as UTF-8 text separated by commas"),
    "tabs": (b"a\tb\n1\t2\n", "is separated by tabs; save it"),
    "no end of a line": (b"a,b\n1,2\n3," + b"x" * MOST_ROW_BYTES, "is damaged at line 3"),
    "no end in quotes": (b'a,b\n1,2\n3,"' + b"x\n" * MOST_ROW_BYTES, "is damaged at line 3"),
    "no end of columns": (b"a,b" + b"," * MOST_COLUMNS + b"\n", "is damaged at line 1"),
    "names in capitals": (b"A,b\n1,2\n", "has a column 'A' in place of a; use the file as it was published"),
    "blanks around names": (b"a, b\n1,2\n", "has a column ' b' in place of b"),
    "names alike": (b"a,b,B\n1,2,3\n", "has a column 'B' in place of b"),
}


@pytest.mark.parametrize(("content", "message"), OTHER_KINDS.values(), ids=list(OTHER_KINDS))
def test_another_kind_of_file_is_refused_by_its_name_with_the_cure(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "table.csv", ["a", "b"], "fetch it")


def test_a_gzip_of_gigabytes_is_never_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    (tmp_path / "table.csv").write_bytes(b"".join(bomb.compress(bytes(1 << 20)) for _ in range(64)) + bomb.flush())
    with pytest.raises(DataError, match="is a gzip file"):
        read_table(tmp_path / "table.csv", ["a", "b"], "fetch it")


def test_what_is_no_regular_file_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in (("fifo", "not a regular file"), ("zero", "not a regular file"), ("loop", "cannot be read")):
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / name, ["a"], "fetch it")


def test_rows_and_columns_up_to_the_bound_are_read(tmp_path: Path) -> None:
    text = "x" * (MOST_ROW_BYTES - 100)
    names = ",".join(f"c{number}" for number in range(MOST_COLUMNS - 1))
    (tmp_path / "a.csv").write_text(f"a,b\n1,{text}\n")
    (tmp_path / "b.csv").write_text(f"a,{names}\n1{',' * (MOST_COLUMNS - 1)}\n")
    assert read_table(tmp_path / "a.csv", ["a", "b"], "").rows() == [("1", text)]
    assert read_table(tmp_path / "b.csv", ["a"], "").shape == (1, MOST_COLUMNS)


def test_columns_in_front_and_their_order_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('b,,Unnamed: 0,a\n"x\ny",0,0,7\n')
    values = read_values(tmp_path / "a.csv", {"a": INTEGER, "b": TEXT}, "")
    assert (values.frame.rows(), values.unreadable) == ([(7, "x\ny")], {})


COLUMNS = {"id": INTEGER, "number": NUMBER, "time": TIME}
SOUND = ("7", "1.5", "2182-09-22 12:04:00")
NOT_UNDERSTOOD = ("1.0e7", "10,000,032", "1,5", "inf", "1e39", "7/23/2180 8:44", "２", "1.5.1")


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
@pytest.mark.parametrize("column", COLUMNS)
def test_what_is_not_understood_is_counted_and_beyond_a_share_refused(tmp_path: Path, column: str, text: str) -> None:
    row = dict(zip(COLUMNS, SOUND, strict=True))
    path = tmp_path / "a.csv"
    pl.DataFrame([row | {column: text}] * FEW + [row]).write_csv(path)
    values = read_values(path, COLUMNS, "")
    if (column, text) == ("number", "1.0e7"):
        assert values.frame[column].to_list() == [1e7] * FEW + [1.5]
        return
    assert (values.frame[column].count(), values.unreadable) == (1, {f"a.csv {column}": FEW})
    pl.DataFrame([row | {column: text}] * (FEW + 1) + [row] * 400).write_csv(path)
    assert read_values(path, COLUMNS, "").unreadable == {f"a.csv {column}": FEW + 1}
    pl.DataFrame([row | {column: text}] * (FEW + 1) + [row] * 200).write_csv(path)
    with pytest.raises(DataError, match=rf"11 of 211 values of column {column} are no ") as raised:
        read_values(path, COLUMNS, "")
    assert text not in str(raised.value)


NO_VALUES = ("", " ", "nan", "NaN", "None", "null", "NULL", "NA", "n/a", "<NA>", "NaT", "-", "?")


@pytest.mark.parametrize("text", NO_VALUES)
def test_words_for_no_value_are_null_and_counted_apart(tmp_path: Path, text: str) -> None:
    pl.DataFrame([dict.fromkeys(COLUMNS, text)] * 30).write_csv(tmp_path / "a.csv")
    values = read_values(tmp_path / "a.csv", COLUMNS, "")
    words = {f"a.csv {column}: words such as nan": 30 for column in COLUMNS} if text.strip() else {}
    assert (set(values.frame.rows()), values.unreadable) == ({(None, None, None)}, words)
