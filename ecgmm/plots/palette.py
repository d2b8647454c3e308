"""Colours that people with any colour vision can tell apart (Okabe and Ito 2008), in an order fit for white paper."""

from itertools import product
from typing import NamedTuple

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Without the yellow, which fades on white."""

GREY = "#767676"


class LineStyle(NamedTuple):
    """Look of one line; colours repeat with another dash once they run out."""

    color: str
    dash: str


def line_styles(n: int) -> list[LineStyle]:
    """Return n looks that differ in colour, then in dash (28 distinct ones)."""
    distinct = [LineStyle(color, dash) for dash, color in product(("-", "--", ":", "-."), OKABE_ITO)]
    return [distinct[index % len(distinct)] for index in range(n)]
