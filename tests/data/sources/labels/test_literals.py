"""Cells with lists and dictionaries: what Python, JSON and numpy print, and no guess at anything else."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgmm.data.sources.labels.literals import parse_list, parse_numbers

codes = st.lists(st.text(st.sampled_from("ABI0123456789. ()/_"), max_size=7), max_size=12)
numbers = st.dictionaries(st.text(st.sampled_from("ABI019/_()"), max_size=5), st.floats(allow_nan=False), max_size=9)


@given(codes)
def test_lists_are_read_as_they_were_printed(items: list[str]) -> None:
    assert parse_list(str(items)) == parse_list(json.dumps(items)) == items
    if items:
        assert parse_list(str(np.array(items, dtype=object))) == parse_list(str(np.array(items))) == items


@given(numbers)
def test_dictionaries_are_read_as_they_were_printed(items: dict[str, float]) -> None:
    assert parse_numbers(str(items)) == parse_numbers(json.dumps(items)) == items


@pytest.mark.parametrize(
    "text",
    [
        *("", "nan", "I10", "I10;I48", "[I10, I48]", "['I10'", "'I10', 'I48'", "('I10', 'I48')", "{'I10'}", "[1, 2]"),
        *("['I10' 'I48', 'E119']", "['I10', 'I48' 'E119']", "['I10''I48']", "['I10' ... 'I48']", "[['I10']]", "[None]"),
        *("['I\\x31']", "[b'I10']", "['I10'] + ['I48']", "['I10'];['I48']", "[np.str_('I10')]", "['I10',,'I48']"),
        *("[,]", "['I10\"]", "array(['I10'], dtype=object)", "__import__('os').mkdir('ran')"),
    ],
)
def test_what_is_no_such_list_is_not_guessed_at(text: str) -> None:
    assert parse_list(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "nan", "[]", "{'A'}", "{'A': '1'}", "{'A': True}", "{'A': 1 'B': 2}", "{A: 1}", "{1: 2}", "{'A': [1]}", "{,}"],
)
def test_what_is_no_such_dictionary_is_not_guessed_at(text: str) -> None:
    assert parse_numbers(text) is None


def test_a_number_that_is_not_written_is_none_and_harms_no_other() -> None:
    assert parse_numbers("{'A': nan, 'B': None, 'C': 80.0, 'D': 1.2.3}") == {"A": None, "B": None, "C": 80, "D": None}


def test_no_cell_takes_more_than_time_in_proportion() -> None:
    n = 200_000
    cells = [
        "[" + "'a'," * n,
        "['a'" + " " * n,
        "[" + " 'a'" * n + ",",
        "{'A': " + "9" * n,
        "{" + "'a': 1, " * n,
        "(" * n,
    ]
    cells += ["[" * n, "'" * n, "['a' " + "' '" * n, "-" * n, "{'a'" + " " * n + "x", "{'a':" + " " * n + "1 "]
    started = time.process_time()
    for cell in cells:
        assert parse_list(cell) is None
        assert parse_numbers(cell) is None
    assert time.process_time() - started < 5
