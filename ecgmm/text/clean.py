"""From raw report text to clean statements: one spelling of characters, delimiters and units, and no identifiers.

A statement is one finding line of a report. MIMIC-IV-ECG delivers one statement a column; PTB-XL delivers free text,
mostly German without punctuation, whose device lines are set apart by wide runs of blanks.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from ecgmm.text.identifiers import mask_identifiers, mask_names

_PLAIN = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("’‘´`ʼ", "'") | dict.fromkeys("“”", '"'))
LONGEST_STATEMENT = 1000
"""Characters; the longest of 2,895 cart statements has 141, the longest of 27,764 PTB-XL statements 255."""
MOST_STATEMENTS = 200
"""Statements of one report; MIMIC-IV-ECG has 18 columns, the PTB-XL sample at most 9 a report."""

_UNITS = [
    (r"\bekg", "ecg"),
    (r"(?<=\d)\s*(?:bpm\b|beats per minute\b|beats ?/ ?min(?:ute)?\b\.?|/ ?min\b)", " bpm"),
    (r"(?<=\d)\s*(?:milliseconds?|msecs?|ms)\b", " ms"),
    (r"(?<=\d)\s*(?:millivolts?|mv)\b", " mv"),
]

_DELIMITERS = [
    (r"\bw/(?=[ a-z])\s*", "with "),
    (r"\s*[;|]\s*", ", "),
    (r"\s+(?=[,.:](?:\s|$))", ""),
]

_DECORATION = [
    (r"\*+|-{2,}|={2,}|_{2,}|#{2,}|~{2,}|\.{2,}(?=\s|$)", " "),
    (r"\s+", " "),
    (r"^[\s\-•·>.,:!]+", ""),
    (r"[\s.,:!\-]+$", ""),
]


_STEPS = [(re.compile(pattern), replacement) for pattern, replacement in _UNITS + _DELIMITERS + _DECORATION]


class CleanReport(NamedTuple):
    """A report after cleaning.

    Attributes:
        statements: Its clean statements.
        shortened: Whether it was longer than a report may be.
    """

    statements: list[str]
    shortened: bool


def cut(text: str) -> str:
    """A raw statement with blanks collapsed, cut behind its last whole word within ``LONGEST_STATEMENT`` characters."""
    text = " ".join(text.split())
    if len(text) <= LONGEST_STATEMENT:
        return text
    return text[
        : text.rfind(" ", 1, LONGEST_STATEMENT + 1) if " " in text[1 : LONGEST_STATEMENT + 1] else LONGEST_STATEMENT
    ]


def _one_pass(text: str) -> str:
    text = cut(
        unicodedata.normalize("NFKC", cut(text).translate(_PLAIN)).translate(_PLAIN)
    )  # one character may become 18
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)
    text = mask_identifiers(unicodedata.normalize("NFC", mask_names(text).lower()))
    for pattern, replacement in _STEPS:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=1 << 18)  # a few thousand statements make up a million reports
def clean_statement(text: str) -> str:
    """Bring one statement to its plain form.

    NFKC, invisible characters removed, lower case, blanks collapsed, decoration removed, units and delimiters unified,
    identifiers replaced by ``[id]``, ``[date]`` and ``[name]``. Repeated until nothing changes, so it is idempotent.
    """
    while (cleaned := _one_pass(text)) != text:
        text = cleaned
    return text


_EDIT_TAIL = re.compile(r"\bEdit:.*", re.DOTALL)  # PTB-XL: label codes that a later reader appended to the report
_SENTENCE_END = re.compile(
    r"(?<!\bdr)(?<!\bca)(?<!\bmed)(?<!\bevtl)(?<!\bprof)(?<!\bpath)(?<!\bmögl)(?<!\bchron)(?<!\bkompl)(?<!\bunbest)"
    r"(?<!\binkompl)(?<!\bintraventr)(?<!\d\. )(?<=[^\W_)\]])\.\s+(?!grad)(?=\S)"
)
_BLANKS = re.compile(r"\s{4,}")
_LINE = re.compile(r"[\r\n]+|\s{0,3}[;|]\s+")
_WIDE = re.compile(r"\s{3,}")
_WORD = re.compile(r"\S+")
_CLAUSES = re.compile(r"[;|]\s+")


def _composed(word: re.Match[str]) -> str:
    """NFC of a word; the time of that grows with the square of its length, so one that cleaning cuts stays as it is."""
    return unicodedata.normalize("NFC", word[0]) if len(word[0]) <= LONGEST_STATEMENT else word[0]


def split_report(text: str) -> list[str]:
    """Split a free-text report into raw statements.

    Sentences end with a full stop and a blank. Where a report has no sentences (PTB-XL's German device text), runs of
    three or more blanks delimit; in sentences such runs are wrapped lines. Decimals, "v4,5,6", "1.grades" stay whole.
    """
    text = _BLANKS.sub(lambda run: "\n" if "\n" in run[0] or "\r" in run[0] else "   ", _EDIT_TAIL.sub("", text))
    if not text.isascii():
        text = _WORD.sub(_composed, text)
    folded = text.lower()
    folded = folded if len(folded) == len(text) else text
    statements: list[str] = []
    start = 0
    ends = [*(match.span() for match in _SENTENCE_END.finditer(folded)), (len(text), len(text))]
    in_sentences = len(ends) > 1 or text.rstrip().endswith(".")
    for stop, following in ends:
        for line in _LINE.split(text[start:stop]):
            statements += [_WIDE.sub(" ", line)] if in_sentences else _WIDE.split(line)
        start = following
    return [statement.strip() for statement in statements if statement.strip()]


def clauses(statement: str) -> list[str]:
    """Parts of a raw statement that semicolons set apart: each is a statement of its own."""
    return _CLAUSES.split(statement)


def read_report(statements: Iterable[str]) -> CleanReport:
    """Clean the statements of a report, drop those without a letter or digit, and keep to the bounds.

    A statement of more than ``LONGEST_STATEMENT`` characters is cut behind a word, a report of more than
    ``MOST_STATEMENTS`` statements behind a statement: no text can be so long that reading it does not end.
    """
    kept: list[str] = []
    shortened = False
    for raw in (part for statement in statements for part in clauses(statement)):
        statement = cut(raw)
        if not any(char.isalnum() for char in statement):
            continue
        if len(kept) == MOST_STATEMENTS:
            return CleanReport(kept, shortened=True)
        shortened |= len(statement) < len(" ".join(raw.split()))
        cleaned = clean_statement(statement)
        kept += [cleaned] if any(char.isalnum() for char in cleaned) else []
    return CleanReport(kept, shortened)


def clean_report(statements: Iterable[str]) -> list[str]:
    """The clean statements of ``read_report``."""
    return read_report(statements).statements
