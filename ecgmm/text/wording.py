"""Canonical wording of statements: misspelt and truncated words mended, synonyms replaced.

The tables are data: ``statement_words.txt`` lists known words, ``statement_spelling.csv`` ordered regular expressions
(abbreviations, British spelling, synonyms) with the wording that the rule table is written in.
"""

import csv
import difflib
import re
from functools import lru_cache
from importlib.resources import files

from ecgmm.text.clean import clauses, clean_statement, cut

_SHORTEST_MENDED = 4
_CLOSE = 0.8  # difflib ratio: one wrong letter in a word of five, two in one of ten


def read_table(name: str) -> list[dict[str, str]]:
    """Rows of a CSV table packaged beside this file."""
    return list(csv.DictReader(_read(name).splitlines()))


def _read(name: str) -> str:
    return files("ecgmm.text").joinpath(name).read_text(encoding="utf-8")


_WORDS = sorted(_read("statement_words.txt").split(), key=lambda word: (len(word), word))
_KNOWN = frozenset(_WORDS)
_OF_NEGATION = frozenset(
    re.findall(r"[^\W\d_]+", _read("negation.csv"))
)  # right as they are, and nothing is mended to one
_SPELLING = [(re.compile(row["pattern"]), row["replacement"]) for row in read_table("statement_spelling.csv")]
_WORD = re.compile(rf"(?<![^\W\d_'\[-])[^\W\d_]{{{_SHORTEST_MENDED},}}(?![^\W\d_\]])")


@lru_cache(maxsize=65536)
def _mended(word: str) -> str:
    """The known word that a truncated (prefix) or misspelt (closest) word stands for, or the word itself."""
    if word in _KNOWN:
        return word
    completed = next((known for known in _WORDS if known.startswith(word)), None)
    if completed or len(word) < _SHORTEST_MENDED + 1 or word in _OF_NEGATION:
        return completed or word
    same_start = [known for known in _WORDS if known[0] == word[0]]  # "controlled" is no misspelt "uncontrolled"
    return next(iter(difflib.get_close_matches(word, same_start, n=1, cutoff=_CLOSE)), word)


def canonical(statement: str) -> str:
    """Clean a statement and bring it to the wording of the rule table, on which alone rules are matched."""
    return "; ".join(filter(None, map(_canonical, clauses(cut(statement)))))


def _canonical(clause: str) -> str:
    text = _WORD.sub(lambda match: _mended(match[0]), clean_statement(clause))
    for pattern, replacement in _SPELLING:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())
