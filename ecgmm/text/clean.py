"""From raw report text to clean statements: one spelling of characters, delimiters and units, and no identifiers.

A statement is one finding line of a report. MIMIC-IV-ECG delivers one statement a column; PTB-XL delivers free text,
mostly German without punctuation, whose device lines are set apart by wide runs of blanks.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_PLAIN = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("’‘´`ʼ", "'") | dict.fromkeys("“”", '"'))
_MONTH = (
    r"(?:jan(?:uary?)?|feb(?:ruary?)?|m[aä]r(?:ch|z)?|apr(?:il)?|ma[yi]|jun[ei]?|jul[yi]?|aug(?:ust)?|sept?(?:ember)?"
    r"|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)"
)
_NAME = r"(?:[^\W\d_]\.\s*)*[^\W\d_][^\W\d_'-]*"

_IN_ORIGINAL_CASE = [  # only capitals tell where a name of several words ends
    (r"\b([Dd][Rr]|[Pp]rof|[Dd]octor)\.?(?: med\.)?((?: [A-ZÄÖÜ](?:\.|[a-zäöüßé'-]+))+)(?![A-Z])", r"\1. [name]"),
]

_MASKS = [
    (r"\b(?:dr|prof|doctor)\.\s*(?:med\.\s*)?(?!\[)" + _NAME, "dr. [name]"),
    (r"\b(?:dr|doctor)\s+(?!\[)" + _NAME, "dr. [name]"),
    (
        r"\b((?:confirmed|reviewed|verified|interpreted|signed|read|edited) by):? "
        r"(?!dr\b|\[)[^\W\d_][\w.'-]*(?: [\w.'-]+){0,2}$",
        r"\1 [name]",
    ),
    (r"\b(patient(?: name)?|name):\s*(?!\[)[^\W\d_][\w'-]*(?:,? [^\W\d_][\w'-]*)?", r"\1: [name]"),
    (r"\b(?:tel|phone|fax)\b[.:]*\s*[+(]?\d[\d ()/-]{3,}\d", "[id]"),
    (r"(?<!\w)\+\d[\d ()/-]{6,}\d|(?<![\w,.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b", "[id]"),
    (r"(?<![\w,.:-])\d{4}-\d{1,2}-\d{1,2}(?:[t ]\d{1,2}:\d{2}(?::\d{2})?)?(?![\w:])", "[date]"),
    (r"(?<![\w,.:/-])\d{1,2}([./:-])\d{1,2}\1(?:\d{4}|\d{2})(?![\w:])", "[date]"),
    (rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[ -]?{_MONTH}\.?[ ,-]*(?:\d{{4}}|\d{{2}})\b", "[date]"),
    (rf"\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b", "[date]"),
    (r"\b[a-z]{0,3}\d{6,}\b", "[id]"),
]

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


def _compile(rules: list[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern), replacement) for pattern, replacement in rules]


_CASED_STEPS = _compile(_IN_ORIGINAL_CASE)
_LOWER_STEPS = _compile(_MASKS + _UNITS + _DELIMITERS + _DECORATION)


def _one_pass(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)
    for pattern, replacement in _CASED_STEPS:
        text = pattern.sub(replacement, text)
    text = unicodedata.normalize("NFC", text.lower())
    for pattern, replacement in _LOWER_STEPS:
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
_LINE = re.compile(r"[\r\n]+|\s*[;|]\s+")
_WIDE = re.compile(r"\s{3,}")


def split_report(text: str) -> list[str]:
    """Split a free-text report into raw statements.

    Sentences end with a full stop and a blank. Where a report has no sentences (PTB-XL's German device text), runs of
    three or more blanks delimit; in sentences such runs are wrapped lines. Decimals, "v4,5,6", "1.grades" stay whole.
    """
    text = unicodedata.normalize("NFC", _EDIT_TAIL.sub("", text))
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


def clean_report(statements: Sequence[str]) -> list[str]:
    """Clean each statement and drop those without a letter or digit."""
    cleaned = [clean_statement(statement) for statement in statements]
    return [statement for statement in cleaned if any(char.isalnum() for char in statement)]
