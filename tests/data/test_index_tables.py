"""Tables are read as they are, or refused in one sentence that shows none of their content."""

import datetime
from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.index_tables import read_table, to_integer, to_time
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


@pytest.mark.parametrize("text", ["2182-09-22 12:04:00", " 2182-9-22 12:4:0 "])
def test_times_are_read(text: str) -> None:
    assert pl.DataFrame({"a": [text]}).select(to_time("a"))["a"].to_list() == [datetime.datetime(2182, 9, 22, 12, 4)]


NO_TIMES = (
    *("", "noon", "2182-09-22", "2182-02-30 12:04:00", "2182-09-22 12:04:60", "2182-09-22 24:00:00"),
    *("0000-01-01 00:00:00", "-2182-09-22 12:04:00", "82-09-22 12:04:00", "２182-09-22 12:04:00"),
)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_python_takes_for_no_time_is_missing(text: str) -> None:
    assert pl.DataFrame({"a": [text]}).select(to_time("a"))["a"].to_list() == [None]
