"""Values of raw tables against what is known: words for "no value", and how much that is not understood is borne.

Whatever is not understood is counted under a name, in the manifest and on the screen. Beyond a share it is no longer
an odd cell but another way of writing, of which the rest of the table would be wrong too: then the table is refused.
"""

import re
from pathlib import Path
from typing import TypeVar

import polars as pl

from ecgmm.errors import DataError, printable

MOST_UNREADABLE = 0.05
"""Share of a column's values that may be none of what the column should hold."""
FEW = 10
"""So many of them are borne whatever their share, or one odd cell would refuse a table of a few rows."""
NO_VALUE = (
    *("nan", "-nan", "none", "null", "nil", "na", "n/a", "nat", "<na>", "<null>", "#n/a", "#na", "(null)", "\\n"),
    *("-", "--", "---", "?", "."),
)
"""Words that programs write, as the whole of a cell, where there is no value."""


_Texts = TypeVar("_Texts", pl.Expr, pl.Series)


def is_no_value(texts: _Texts) -> _Texts:
    """Whether a text, as the whole of a cell and whatever its case, is a word for "no value"."""
    return texts.str.strip_chars().str.to_lowercase().is_in(NO_VALUE)


def is_filled(texts: _Texts) -> _Texts:
    """Whether a cell holds a value: not null, not blank, and no word for "no value"."""
    return texts.is_not_null() & (texts.str.strip_chars() != "") & ~is_no_value(texts)


def words_for_none(path: Path, column: str, number: int) -> dict[str, int]:
    """Entry of a manifest for the cells of a column that hold a word for "no value"; empty for none."""
    return {f"{path.name} {column}: words such as nan": number} if number else {}


def shape(text: str) -> str:
    """Shape of a value, as messages show it: 9 for a digit, x for a letter."""
    return printable(re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", text.strip())), 40)


def check_share(path: Path, what: str, n_unreadable: int, n_filled: int, example: str, cure: str) -> None:
    """Refuse a table of which too much is not understood.

    Args:
        path: The table.
        what: What they are, and what is wrong, as in ``values of column fold are no whole number``.
        n_unreadable: How many.
        n_filled: How many there are.
        example: One that is not understood; the message shows only its shape.
        cure: What the user should do.

    Raises:
        DataError: If more than ``FEW`` and more than ``MOST_UNREADABLE`` of all are not understood.
    """
    if n_unreadable > FEW and n_unreadable > MOST_UNREADABLE * n_filled:
        raise DataError(
            f"{printable(path)}: {n_unreadable:,} of {n_filled:,} {what}, as in {shape(example)}"
            f" (9 is a digit, x a letter); {cure}"
        )
