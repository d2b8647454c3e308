"""Findings of a statement, with SCP code, superclass, certainty, negation, age and region.

The knowledge is in tables (``statement_*.csv``); docs/understand/text.md explains their columns and the
policies stated here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ecgmm.text.clean import LONGEST_STATEMENT, cut
from ecgmm.text.negation import DENIED, UNDECIDED, Named, readings
from ecgmm.text.statement_rules import Mark, Rule, Span, acting, marks, matches, nearest, region_codes
from ecgmm.text.wording import canonical

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
CERTAINTY_WEIGHT = {"cannot_rule_out": 0.3, "possible": 0.5, "probable": 0.8, "definite": 1.0}
RELIED_ON = CERTAINTY_WEIGHT["probable"]
"""Weight from which a finding counts where "possible" does not."""


class Finding(NamedTuple):
    """A finding as a statement gives it.

    Attributes:
        name: Name in the rule table.
        category: summary, rhythm, ectopy, pacing, conduction, chamber, infarct, ischaemia, repolarisation, axis,
            voltage, morphology, technical, comparison, comment or measurement.
        scp: SCP-ECG code as PTB-XL writes it, or empty.
        superclass: NORM, MI, STTC, CD, HYP, or empty. Kept for negated findings.
        certainty: definite, probable, possible or cannot_rule_out.
        negated: The finding is denied, or called a normal variant.
        age: acute, recent, old, undetermined, or empty.
        region: Regions joined by "+" in order of mention, or empty.
    """

    name: str
    category: str
    scp: str
    superclass: str
    certainty: str
    negated: bool
    age: str
    region: str


def _certainty(values: set[str]) -> str:
    """The weakest certainty word counts, unless the text insists ("also present")."""
    if not values or "definite" in values:
        return "definite"
    return min(values, key=CERTAINTY_WEIGHT.__getitem__)


def _findings(rule: Rule, span: Span, all_marks: list[Mark], denied: bool) -> Iterator[Finding]:
    certainty = _certainty(acting("certainty", span, all_marks))
    negated = denied or bool(acting("negated", span, all_marks))
    regions = nearest("region", span, all_marks) if "region" in rule.takes else []
    ages = nearest("age", span, all_marks) if "age" in rule.takes else []
    coded = region_codes(rule.codes, regions)
    if rule.codes and regions and not coded:  # "extensive infarct with acute inferior changes"
        coded = region_codes(rule.codes, list(dict.fromkeys(mark.value for mark in all_marks if mark.kind == "region")))
    age = ages[0] if ages else ""
    for scp, region in coded or [(rule.scp, "+".join(regions))]:
        yield Finding(rule.finding, rule.category, scp, rule.superclass, certainty, negated, age, region)


@lru_cache(maxsize=1 << 18)
def _read(statement: str) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings of a statement, and with them those that it mentions and of which it is not clear what it says."""
    text = canonical(statement)
    all_marks, matched = marks(text), matches(text)
    named = [_named(rule, span) for rule, span in matched]
    hedges = [(mark.start, mark.stop) for mark in all_marks if mark.kind == "certainty"]
    clear, mentioned = [], []
    for (rule, span), reading in zip(matched, readings(text, named, hedges), strict=True):
        findings = list(_findings(rule, span, all_marks, denied=reading == DENIED))
        mentioned += findings
        clear += findings if reading != UNDECIDED else []
    return tuple(dict.fromkeys(clear)), tuple(dict.fromkeys(mentioned))


def _named(rule: Rule, span: Span) -> Named:
    pattern = rule.pattern.pattern
    gapped = r"\w+ )*" in pattern
    whole = not gapped and ".*" not in pattern and rule.category not in ("comparison", "comment", "technical")
    return Named(*span, stands_alone=rule.category == "summary" or rule.family == "sinus", whole=whole, gapped=gapped)


def findings_of(statement: str) -> tuple[Finding, ...]:
    """Findings of a raw or cleaned statement, in order of mention.

    Empty where no rule knows the wording, or where it is not clear whether it states or denies (``negation``).
    """
    return _read(statement if len(statement) <= LONGEST_STATEMENT else cut(statement))[0]


def mentions_of(statement: str) -> tuple[Finding, ...]:
    """Findings that a statement speaks of at all, also where it is not clear whether it states or denies them."""
    return _read(statement if len(statement) <= LONGEST_STATEMENT else cut(statement))[1]


def superclasses(statements: Sequence[str], include_possible: bool = False) -> dict[str, float] | None:
    """Certainty weight of each diagnostic superclass in a report (0 = not stated).

    Args:
        statements: The report's statements.
        include_possible: Whether "possible" and "cannot rule out" count; by default only "definite" and "probable" do.

    Returns:
        Weight in [0, 1] of NORM, MI, STTC, CD and HYP (> 0 makes the hard label), or None where the report holds
        nothing but technical and unrecognised statements. NORM needs normal wording and no other class at any
        certainty, even one that ``include_possible`` leaves out.
    """
    findings = [finding for statement in statements for finding in findings_of(statement)]
    if all(finding.category == "technical" for finding in findings):
        return None
    weights = dict.fromkeys(SUPERCLASSES, 0.0)
    for finding in findings:
        if finding.superclass and not finding.negated:
            weights[finding.superclass] = max(weights[finding.superclass], CERTAINTY_WEIGHT[finding.certainty])
    if any(weights[name] for name in SUPERCLASSES[1:]):
        weights["NORM"] = 0.0
    return {name: weight if include_possible or weight >= RELIED_ON else 0.0 for name, weight in weights.items()}


def priority_of(statement: str) -> int:
    """Rank for truncation: 0 diagnostic, 1 rhythm, ectopy and pacing, 2 the rest and unrecognised, 3 technical."""
    findings = findings_of(statement)
    if any(finding.superclass for finding in findings):
        return 0
    categories = {finding.category for finding in findings}
    if categories & {"rhythm", "ectopy", "pacing"}:
        return 1
    return 3 if categories == {"technical"} else 2


def coverage(statements: Sequence[str]) -> dict[str, int]:
    """Counts of statements: total, unrecognised, ``category/...`` and ``superclass/...`` (one may count in several)."""
    counts = Counter(total=len(statements), unrecognised=0)
    for statement in statements:
        findings = findings_of(statement)
        counts["unrecognised"] += not findings
        counts.update({f"category/{finding.category}" for finding in findings})
        counts.update({f"superclass/{finding.superclass}" for finding in findings if finding.superclass})
    return dict(sorted(counts.items()))
