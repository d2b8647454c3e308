"""Lists and dictionaries in a cell, as Python, JSON or numpy print them; whatever else a cell holds is not guessed at.

A grammar of a few tokens instead of ``ast``: Python joins neighbouring strings, so that numpy's ``['I10' 'I48']`` would
be the one code ``I10I48``, and it knows neither ``nan`` nor ``null``.
"""

import re

_STRING = r"(?:'[^'\\]*+'|\"[^\"\\]*+\")"
_VALUE = r"(?:[-+]?[0-9.]++(?:[eE][-+]?[0-9]++)?|[-+]?nan|NaN|[-+]?inf|-?Infinity|None|null)"
_ENTRY = rf"{_STRING}\s*+:\s*+{_VALUE}"
_COMMAS = r"\s*+{open}\s*+(?:{item}(?:\s*+,\s*+{item})*+(?:\s*+,)?+)?+\s*+{close}\s*+"  # possessive: never quadratic
_LIST = re.compile(_COMMAS.format(open=r"\[", item=_STRING, close=r"\]"))
_NUMPY = re.compile(rf"\s*+\[\s*+{_STRING}(?:\s++{_STRING})*+\s*+\]\s*+")
_DICT = re.compile(_COMMAS.format(open=r"\{", item=_ENTRY, close=r"\}"))
_ITEM = re.compile(_STRING)
_PAIR = re.compile(rf"({_STRING})\s*+:\s*+({_VALUE})")


def parse_list(text: str) -> list[str] | None:
    """The strings of a list, ``['I10', 'I48']`` or as numpy prints it, ``['I10' 'I48']``; None where it is none."""
    is_list = _LIST.fullmatch(text) or _NUMPY.fullmatch(text)
    return [item[1:-1] for item in _ITEM.findall(text)] if is_list else None


def parse_numbers(text: str) -> dict[str, float | None] | None:
    """The numbers of a dictionary such as ``{'NORM': 80.0}``; None where the cell is no such dictionary.

    A number is None where nothing is written but ``nan``, ``None`` or ``null``, or none of floating point.
    """
    if _DICT.fullmatch(text) is None:
        return None
    return {name[1:-1]: _number(value) for name, value in _PAIR.findall(text)}


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:  # None, null, 1.2.3
        return None
    return None if number != number else number
