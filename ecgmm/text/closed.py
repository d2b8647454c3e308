"""What is known of reports without any report: the words and statements of the packaged tables.

These words stay in a vocabulary however few patients have them, and a closed vocabulary holds nothing else.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from ecgmm.text.clean import clean_report
from ecgmm.text.glossary import glossary
from ecgmm.text.wording import read_table

_LEADS = "i ii iii avr avl avf v1 v2 v3 v4 v5 v6"
_SIGNS = "0 1 2 3 4 5 6 7 8 9 1st 2nd 3rd + - / ( ) : , . ? ' > [ ] name date id bpm ms mv"


def known_texts() -> Iterator[str]:
    """Texts whose words are words of ECG reports in general."""
    yield files("ecgmm.text").joinpath("statement_words.txt").read_text(encoding="utf-8")
    yield from (_LEADS, _SIGNS)
    yield from known_statements()
    yield from glossary()


@cache
def known_statements() -> tuple[str, ...]:
    """The clean examples of the rule table, one or more for each finding that it knows."""
    rows = [*read_table("statement_rules.csv"), *read_table("negation.csv")]
    return tuple(dict.fromkeys(statement for row in rows for statement in clean_report([row["example"]])))
