"""Identifiers in reports, found by the words that go before or behind them and by their form.

This is hygiene, not de-identification: a name without a marker stays. What lower-case text cannot tell (where a name
of several words ends) is masked by its first word only, and a known word of ECG reports is never taken for a name.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

_MONTH = (
    r"(?:jan(?:uary?)?|feb(?:ruary?)?|m[aä]r(?:ch|z)?|apr(?:il)?|ma[yi]|jun[ei]?|jul[yi]?|aug(?:ust)?|sept?(?:ember)?"
    r"|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)"
)
_NAME = r"(?:[^\W\d_]\.\s?)*[^\W\d_][^\W\d_'-]*"
_CAPITAL = r"[A-ZÄÖÜ](?:\.|[^\W\d_'A-ZÄÖÜ][^\W\d_'-]*(?:['-][^\W\d_]+)*|'[A-ZÄÖÜ][^\W\d_]+)"
_CAPITALS = rf"{_CAPITAL}(?:,? {_CAPITAL}){{0,3}}"
_SIGNED = (
    r"(?:(?:electronically )?(?:confirmed|reviewed|verified|interpreted|signed|read|edited|validated|approved|dictated"
    r"|reported|ordered|requested|referred|performed|recorded|acquired|over-?read) by)"
)
_ROLE = (
    r"(?:physician|cardiologist|technician|referring|referrer|operator|reader|attending|nurse|signature|unterschrift"
    r"|arzt)"
)

_CASED = [  # only capitals tell where a name of several words ends
    (r"\b([Dd][Rr]|[Pp]rof|[Dd]octor)\.?(?: med\.)?((?: [A-ZÄÖÜ](?:\.|[a-zäöüßé'-]+))+)(?![A-Z])", r"\1. [name]"),
    (rf"(?<![\d] )(?<!\d)\b(Mr|Mrs|Ms|Miss|Mister|Herrn?|Frau)\.? {_CAPITALS}(?![A-Z])", r"\1 [name]"),
    (rf"\b((?i:{_SIGNED})):? (?!(?i:dr|prof|doctor)\b){_CAPITALS}(?![A-Z])", r"\1 [name]"),
    (
        rf"\b((?i:patient(?:in)?(?: name)?|name|surname|first name|last name|pat|{_ROLE}))[.:]{{1,2}} "
        rf"{_CAPITALS}(?![A-Z])",
        r"\1: [name]",
    ),
]

_NAMES = [
    (r"\b(?:dr|prof|doctor)\.\s?(?:(?:med|dr|prof)\.\s?)*(?!\[)" + _NAME, "dr. [name]"),
    (r"\b(?:dr|doctor)\s+(?!\[)" + _NAME, "dr. [name]"),
    (rf"\b({_SIGNED}):? (?!dr\b|prof\b|doctor\b|\[)[^\W\d_][\w.'-]*(?: [\w.'-]+){{0,2}}$", r"\1 [name]"),
    (r"\[name\](?: md)?, [^\W\d_][\w'-]*(?= \(\d| on \[date\]| m\.?d\b)", "[name]"),
]

_NUMBERS = [
    (r"\b(?:tel|telephone|phone|mobile|fax)\b[.:]*\s*[+(]?\d[\d ()/-]{3,}\d", "[id]"),
    (
        r"\b(mrn|medical record(?: (?:number|no))?|patient (?:id|no|number)|pat-?id|case (?:id|no)|accession|ssn"
        r"|nhs(?: no)?|account)\b[.:# ]{1,3}(?!\[)[a-z]{0,4}[- ]?\d[\d-]{2,}",
        r"\1 [id]",
    ),
    (r"(?<![\w.])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}", "[id]"),
    (r"(?<!\w)\+\d[\d ()/-]{6,}\d|(?<![\w,.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}\b", "[id]"),
    (r"(?<![\w,.:-])\d{4}-\d{1,2}-\d{1,2}(?:[t ]\d{1,2}:\d{2}(?::\d{2})?)?(?![\w:])", "[date]"),
    (r"(?<![\w,.:/-])\d{1,2}([./:-])\d{1,2}\1(?:\d{4}|\d{2})(?![\w:])", "[date]"),
    (rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[ -]?{_MONTH}\.?[ ,-]*(?:\d{{4}}|\d{{2}})\b", "[date]"),
    (rf"\b{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b", "[date]"),
    (r"(?<![\w-])\d{3,4}-\d{2,4}-?\d{3,}(?![\w-])", "[id]"),
    (r"\b[a-z]{0,3}\d{6,}\b", "[id]"),
]

_CAPITALS_AND_DEGREE = re.compile(rf"\b({_CAPITALS}),? (M\.?D|D\.?O|FACC|MRCP|RN|FESC)\b\.?")
_OF_PATIENT = re.compile(r"\b(patient(?: name)?|name): ?(?!\[)([^\W\d_][\w'-]*)(,? [^\W\d_][\w'-]*)?")
_AFTER_TITLE = re.compile(r"\b(mr|mrs|miss|mister|herrn?|frau)\.? ([^\W\d_][\w'-]+)")
_AFTER_MARKER = re.compile(rf"\b({_SIGNED}|{_ROLE}:):? ([^\W\d_][\w'-]+)(?: ([^\W\d_][\w'-]+))?")
_BEFORE_DEGREE = re.compile(r"([^\W\d_][\w'-]+ )?([^\W\d_][\w'-]+),? (m\.?d|d\.o|facc|mrcp|fesc)\b\.?")

Step = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


@cache
def _known() -> frozenset[str]:
    """Words of ECG reports, and the words between a marker and a name."""
    words = files("ecgmm.text").joinpath("statement_words.txt").read_text(encoding="utf-8").lower().split()
    return frozenset([*words, "and", "on", "at", "of", "in", "the", "dr", "prof", "doctor", "name", "md", "id", "date"])


def _mask(word: str | None) -> str:
    return "" if not word else word if word.strip() in _known() else "[name]"


def _titled(match: re.Match[str]) -> str:
    return f"{match[1]} {_mask(match[2])}"


def _signed(match: re.Match[str]) -> str:
    first = _mask(match[2])
    second = _mask(match[3]) if match[3] else ""
    if first != "[name]" or not second:
        return f"{match[1]} {first}" + (f" {match[3]}" if match[3] else "")
    return f"{match[1]} {first}" + ("" if second == "[name]" else f" {match[3]}")


def _graduate(match: re.Match[str]) -> str:
    last = _mask(match[2])
    first = _mask(match[1]) if match[1] and last == "[name]" else (match[1] or "").strip()
    words = [last] if first == last else [word for word in (first, last) if word]
    return f"{' '.join(words)} {match[3]}"


def _degree(match: re.Match[str]) -> str:
    known = any(word.lower().strip(".,") in _known() for word in match[1].split() if len(word) > 2)
    return match[0] if known else f"[name] {match[2]}"


def _patient(match: re.Match[str]) -> str:
    first = _mask(match[2])
    return f"{match[1]}: {first}" + ("" if first == "[name]" else match[3] or "")


def _compiled(rules: list[tuple[str, str]]) -> list[Step]:
    return [(re.compile(pattern), replacement) for pattern, replacement in rules]


_CASED_STEPS: list[Step] = [*_compiled(_CASED), (_CAPITALS_AND_DEGREE, _degree)]
_NAME_STEPS: list[Step] = [*_compiled(_NAMES), (_OF_PATIENT, _patient), (_AFTER_TITLE, _titled)]
_NAME_STEPS += [(_AFTER_MARKER, _signed), (_BEFORE_DEGREE, _graduate)]
_NUMBER_STEPS: list[Step] = _compiled(_NUMBERS)
_MAY_NAME = re.compile(
    r"(?i)\b(?:dr|prof|doctor|m(?:r|rs|s|iss|ister)|herrn?|frau|by|(?:sur)?name|pat|patient(?:in)?|m\.?d|d\.?o|facc|mrcp|fesc"
    rf"|rn|{_ROLE})\b"
)
_MAY_NUMBER = re.compile(r"\d|@")


def mask_names(text: str) -> str:
    """Mask names in text of any case; where the case tells where a name ends, only before it is lost."""
    return _applied(_CASED_STEPS, text) if _MAY_NAME.search(text) else text


def mask_identifiers(text: str) -> str:
    """Mask names, dates and numbers in text of lower case."""
    if _MAY_NAME.search(text):
        text = _applied(_NAME_STEPS, text)
    return _applied(_NUMBER_STEPS, text) if _MAY_NUMBER.search(text) else text


def _applied(steps: list[Step], text: str) -> str:
    for pattern, replacement in steps:
        text = pattern.sub(replacement, text)
    return text
