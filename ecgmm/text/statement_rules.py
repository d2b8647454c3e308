"""The rule table at work on one canonical statement: rule matches, modifier marks and their scopes.

Scopes follow NegEx (Chapman et al. 2001, J Biomed Inform 34:301): a modifier acts forward or backward up to the next
boundary. All wording is in the CSV tables beside this file; docs/understand/text.md describes their columns.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ecgmm.text.wording import read_table

FALLBACK = "fallback"
Span = tuple[int, int]


class Rule(NamedTuple):
    """A row of ``statement_rules.csv``.

    Attributes:
        family: Rules of one family compete for a stretch of text: the longest match wins. "fallback" yields to all.
        finding: Name of the finding.
        category: Kind of the finding.
        scp: SCP-ECG code, or empty.
        superclass: Diagnostic superclass, or empty.
        codes: Table of ``statement_region_codes.csv`` that refines ``scp`` by region, or empty.
        takes: Which of "region" and "age" the finding has.
        pattern: Expression on the canonical statement.
    """

    family: str
    finding: str
    category: str
    scp: str
    superclass: str
    codes: str
    takes: str
    pattern: re.Pattern[str]


class Mark(NamedTuple):
    """A modifier, region, boundary or topic word found in a statement."""

    kind: str
    value: str
    direction: str
    start: int
    stop: int


_RULES = [
    Rule(**{name: row[name] for name in Rule._fields if name != "pattern"}, pattern=re.compile(row["pattern"]))
    for row in read_table("statement_rules.csv")
]
_MODIFIERS = [
    (row["kind"], row["value"], row["direction"], re.compile(row["pattern"]))
    for row in read_table("statement_modifiers.csv")
] + [("region", row["region"], "", re.compile(row["pattern"])) for row in read_table("statement_regions.csv")]
_REGION_CODES = [
    (row["table"], frozenset(row["regions"].split("+")), row["scp"]) for row in read_table("statement_region_codes.csv")
]


def matches(text: str) -> list[tuple[Rule, Span]]:
    """Rule matches in order of mention; of overlapping ones in a family the longest, of equal ones the first rule's."""
    candidates = [(rule, match.span()) for rule in _RULES for match in rule.pattern.finditer(text)]
    candidates.sort(key=lambda item: (item[0].family == FALLBACK, item[1][0] - item[1][1]))
    kept: list[tuple[Rule, Span]] = []
    for rule, (start, stop) in candidates:
        rivals = (span for other, span in kept if rule.family in (other.family, FALLBACK))
        if not any(start < rival_stop and rival_start < stop for rival_start, rival_stop in rivals):
            kept.append((rule, (start, stop)))
    return sorted(kept, key=lambda item: item[1])


def marks(text: str) -> list[Mark]:
    """Marks in order of mention; a certainty word inside an "ignore" span ("possibly acute") is left out."""
    all_marks = [
        Mark(kind, value, direction, *match.span())
        for kind, value, direction, pattern in _MODIFIERS
        for match in pattern.finditer(text)
    ]
    ignored = [mark for mark in all_marks if mark.kind == "ignore"]
    kept = [
        mark
        for mark in all_marks
        if mark.kind != "certainty" or not any(span.start <= mark.start < span.stop for span in ignored)
    ]
    return sorted(kept, key=lambda mark: mark.start)


def acting(kind: str, span: Span, all_marks: Sequence[Mark]) -> set[str]:
    """Values of the modifiers of a kind that reach a finding."""
    boundaries = [mark.start for mark in all_marks if mark.kind == "boundary"]
    return {mark.value for mark in all_marks if mark.kind == kind and _reaches(mark, span, boundaries)}


def _reaches(mark: Mark, span: Span, boundaries: list[int]) -> bool:
    """Whether a modifier stands on its side of a finding with no boundary between; "before" knows no boundaries."""
    if mark.direction == "before":
        return span[0] < mark.start
    if mark.direction == "forward":  # may overlap: "no acute" + "acute ischemia"
        first, last, reached = min(mark.stop, span[0]), span[0], mark.start < span[1]
    else:
        first, last, reached = span[1], mark.start, span[1] <= mark.start
    return reached and not any(first <= boundary < last for boundary in boundaries)


def nearest(kind: str, span: Span, all_marks: Sequence[Mark]) -> list[str]:
    """Regions or ages in the clause of a finding, else those of the whole statement, in order of mention."""
    edges = [mark.start for mark in all_marks if mark.kind in ("boundary", "topic")]
    start = max((edge for edge in edges if edge <= span[0]), default=0)
    stop = min((edge for edge in edges if edge >= span[1]), default=None)
    everywhere = [mark for mark in all_marks if mark.kind == kind]
    near = [mark for mark in everywhere if start <= mark.start and (stop is None or mark.start < stop)]
    return list(dict.fromkeys(mark.value for mark in near or everywhere))


def region_codes(table: str, regions: Sequence[str]) -> list[tuple[str, str]]:
    """(SCP code, its regions) pairs that cover the regions, the most specific code first."""
    left, pairs = set(regions), []
    for name, needed, scp in _REGION_CODES:
        if name == table and needed <= left:
            pairs.append((scp, "+".join(region for region in regions if region in needed)))
            left -= needed
    return pairs
