"""Tables of one's own: whatever program saved them they are the same table, or one sentence with a line."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.sources.own_tables import read_own_table
from ecgmm.errors import DataError

TEXT = 'path;report\r\n"a;b";"zwei\r\nZeilen, ""ü"""\r\n;;\r\nc;\r\n'.replace(";;\r\n", ";\r\n")
WANTED = {"path": ["a;b", "c"], "report": ['zwei\r\nZeilen, "ü"', None]}


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-be").join([b"\xfe\xff", b""]),
        TEXT.encode("cp1252"),
        gzip.compress(TEXT.encode(), mtime=0),
        f"sep=;\r\n{TEXT}".encode(),
        TEXT.replace(";", "\t").replace("a\tb", "a;b").encode(),
        TEXT.replace(";", "|").replace("a|b", "a;b").encode(),
        TEXT.replace("path;", " path ;").encode(),
        TEXT.rstrip("\r\n").encode(),
    ],
    ids=["utf8", "bom", "utf16", "utf16be", "cp1252", "gzip", "sep", "tab", "bar", "blanks", "no end"],
)
def test_the_same_table_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    table = read_own_table(tmp_path / "t.csv")
    assert table.frame.to_dict(as_series=False) == WANTED
    first = 3 if content.startswith(b"sep=") else 2
    assert table.lines.to_list() == [first, first + 3]  # the quoted cell has two lines, and one row is empty


def test_a_parquet_file_is_the_same_table_too(tmp_path: Path) -> None:
    frame = pl.DataFrame({"path": ["a;b", "c"], "id": [1.0, 2.0], "n": [None, 3]})
    frame.write_parquet(tmp_path / "t.parquet")
    table = read_own_table(tmp_path / "t.parquet").frame
    assert table.to_dict(as_series=False) == {"path": ["a;b", "c"], "id": ["1.0", "2.0"], "n": [None, "3"]}


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",path,\n0,a,\n1,b,\n")
    assert read_own_table(tmp_path / "t.csv").frame.columns == ["path"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"path,report\na,b\nc,d,e\n", "has 3 cells at line 3 and 2 names of columns; put quotes"),
        (b"path,report\na\n", "has 1 cells at line 2"),
        (b'path,report\na,"b\nc,d\n', "damaged at line 2 .quotes that do not end"),
        (b'path,report\na,"b"c\n', "damaged at line 2"),
        (b"", "is empty; its first line must name the columns"),
        (b"path,report\n", "has no rows below"),
        (b"path,path\na,b\n", "names column path twice"),
        (b"PK\x03\x04 a workbook", "zip archive or an Excel workbook"),
        (gzip.compress(b"path\n" + b"a\n" * 1000, mtime=0)[:-9], "damaged gzip file"),
        (b"PAR1 no parquet", "damaged parquet file"),
        ("path\na\n".encode("utf-16")[2:], "may be UTF-16"),
        (b"path\n\x81\n", r"neither UTF-8 nor Windows-1252 .line 2"),
    ],
)
def test_what_is_no_table_is_told_in_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_own_table(tmp_path / "t.csv")


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing; give the path"):
        read_own_table(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"regular file|cannot be read"):
        read_own_table(tmp_path)
