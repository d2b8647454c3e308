"""Columns of one's own tables: identifiers, numbers, times and words."""

import datetime
from pathlib import Path

import polars as pl
import pytest

from ecgmm.data.sources.own_columns import identifiers, integers, numbers, numbers_of, times, words
from ecgmm.data.sources.own_tables import OwnTable
from ecgmm.errors import DataError


def table_of(*cells: str | None) -> OwnTable:
    return OwnTable(
        Path("t.csv"),
        pl.DataFrame({"c": pl.Series(cells, dtype=pl.String)}),
        pl.Series("line", range(2, len(cells) + 2), dtype=pl.Int64),
    )


def test_numbers_that_a_spreadsheet_made_of_identifiers_are_undone() -> None:
    names = identifiers(table_of("40689238.0", "007", "a 7", "NaN", None, "12", "1.50"), "c")
    assert names.to_list() == ["40689238", "007", "a 7", None, None, "12", "1.50"]
    with pytest.raises(DataError, match=r"t.csv line 3: column c holds 9.99x\+99 .* shortened by a spreadsheet"):
        identifiers(table_of("1", "4.07E+07"), "c")


def test_a_name_has_one_number_in_every_table() -> None:
    few = numbers_of(pl.Series(["12", "b", "007", None]))
    more = dict(zip(("a", "b", "007", "7"), numbers_of(pl.Series(["a", "b", "007", "7"])), strict=True))
    assert few.to_list() == [12, more["b"], more["007"], None]
    assert more["b"] == 6997662228893750237
    assert len(set(more.values())) == 4
    assert all(number >= 1 << 62 for name, number in more.items() if name != "7")


def test_numbers_have_their_decimals_behind_a_point_or_a_comma() -> None:
    assert numbers(table_of("61,5", "61.5", " 3 ".strip(), "1e2", "300", None), "c", 0, 120, also=300).to_list() == [
        61.5,
        61.5,
        3.0,
        100.0,
        300.0,
        None,
    ]
    for wrong in ("121", "-1", "1,234", "old", "inf", "1.2.3", "299"):
        with pytest.raises(DataError, match=r"line 2: column c .* no number from 0 to 120; correct it"):
            numbers(table_of(wrong), "c", 0, 120, also=300)


def test_whole_numbers() -> None:
    assert integers(table_of("3", "3.0", None), "c", 0, 10).to_list() == [3, 3, None]
    with pytest.raises(DataError, match=r"line 3 and 1 more: .* no whole number from 0 to 10"):
        integers(table_of("1", "2.5", "11"), "c", 0, 10)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-05-31", (2020, 5, 31)),
        ("2020/5/1", (2020, 5, 1)),
        ("31.05.2020", (2020, 5, 31)),
        ("31.5.2020 9:05", (2020, 5, 31, 9, 5)),
        ("31.05.2020, 14:30:05", (2020, 5, 31, 14, 30, 5)),
        ("2020-05-31T14:30:05.25Z", (2020, 5, 31, 14, 30, 5, 250_000)),
        ("05-May-2020 09:49:17", (2020, 5, 5, 9, 49, 17)),
        ("5 september 2020", (2020, 9, 5)),
    ],
)
def test_times(text: str, time: tuple[int, ...]) -> None:
    assert times(table_of(text, None), "c").to_list() == [datetime.datetime(*time), None]  # type: ignore[arg-type]  # year, month and so on


@pytest.mark.parametrize(
    "text", ["05/06/2020", "2020-02-30", "31.05.20", "2020-05-31 24:00", "2020-05-31T14:30+02:00", "today", "44000"]
)
def test_a_time_of_more_or_no_meaning_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"line 2: column c .* no time such as 2020-05-31"):
        times(table_of(text), "c")


def test_words_have_a_meaning_or_are_refused_by_their_shape() -> None:
    meanings = {"f": "female", "u": None}
    assert words(table_of("F", "u", None), "c", meanings, "no sex", "write f").to_list() == ["female", None, None]
    with pytest.raises(
        DataError, match=r"line 3: column c holds x9 \(9 is a digit, x a letter\), which is no sex; write"
    ):
        words(table_of("f", "M4"), "c", meanings, "no sex", "write f")
