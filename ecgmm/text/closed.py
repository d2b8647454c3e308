"""Vocabulary that needs no reports: the words and statements of the packaged tables.

These words stay in a vocabulary however few patients have them, and a closed vocabulary holds nothing else.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from ecgmm.text.clean import clean_report
from ecgmm.text.glossary import glossary
from ecgmm.text.wording import read_table

_LEADS = "i ii iii avr avl avf v1 v2 v3 v4 v5 v6"
_ABBREVIATIONS = "qtc qrsd hr vr sr rsr rs qr qs iv av sa vcd pvcs pacs bbb"
_ESCAPES = re.compile(r"\\[a-zA-Z]")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_SIGNS = "0 1 2 3 4 5 6 7 8 9 1st 2nd 3rd + - / ( ) : , . ? ' > [ ] name date id bpm ms mv"


def known_texts() -> Iterator[str]:
    """Texts whose words are words of ECG reports in general."""
    yield files("ecgmm.text").joinpath("statement_words.txt").read_text(encoding="utf-8")
    yield from (_LEADS, _SIGNS, _ABBREVIATIONS)
    for name in ("statement_rules.csv", "statement_spelling.csv"):
        yield from (" ".join(_LETTERS.findall(_ESCAPES.sub(" ", row["pattern"]))) for row in read_table(name))
    yield from known_statements()
    yield from glossary()


@cache
def known_statements() -> tuple[str, ...]:
    """The clean examples of the rule table, one or more for each finding that it knows."""
    rows = [*read_table("statement_rules.csv"), *read_table("negation.csv")]
    return tuple(dict.fromkeys(statement for row in rows for statement in clean_report([row["example"]])))
