"""Rhythm classes of findings: which rhythm a statement or an SCP code names."""

from collections.abc import Sequence

from ecgmm.text.statements import CERTAINTY_WEIGHT, RELIED_ON, Finding, findings_of

RHYTHMS = ("SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "PACE", "OTHER")
CLASS_OF_SCP = {name: name for name in RHYTHMS[:-1]} | dict.fromkeys(("SVARR", "SVTAC", "PSVT"), "OTHER")
"""Rhythm class of PTB-XL's rhythm codes. BIGU and TRIGU are ectopy: they say nothing of the rhythm beneath."""
_WITHOUT_SCP = {
    "idioventricular_rhythm",
    "ventricular_tachycardia",
    "ventricular_fibrillation",
    "wide_complex_tachycardia",
}
"""Rhythms in the rule table that PTB-XL has no code for; all are OTHER."""
_CATEGORIES = ("rhythm", "pacing")


def speaks_of_rhythm(finding: Finding) -> bool:
    """Whether a finding is about the rhythm, be it a class or a hint (irregularity, ventricular response)."""
    return finding.category in _CATEGORIES


def rhythm_of(finding: Finding) -> str:
    """Rhythm class of a finding, or empty."""
    if not speaks_of_rhythm(finding):
        return ""
    return "OTHER" if finding.name in _WITHOUT_SCP else CLASS_OF_SCP.get(finding.scp, "")


def most_specific(weights: dict[str, float]) -> dict[str, float]:
    """Take plain sinus rhythm back where bradycardia, tachycardia or arrhythmia of the sinus node is named as well."""
    named = any(weights[name] for name in ("SBRAD", "STACH", "SARRH"))
    return weights | {"SR": 0.0} if named else weights


def rhythms(statements: Sequence[str], include_possible: bool = False) -> dict[str, float] | None:
    """Certainty weight of each rhythm class in a report (0 = not stated).

    Args:
        statements: The report's statements.
        include_possible: Whether "possible" and "cannot rule out" count; by default only "definite" and "probable" do.

    Returns:
        Weight in [0, 1] of each of ``RHYTHMS`` (> 0 makes the hard label), or None where no statement is about the
        rhythm.
    """
    findings = [finding for statement in statements for finding in findings_of(statement)]
    if not any(speaks_of_rhythm(finding) for finding in findings):
        return None
    weights = dict.fromkeys(RHYTHMS, 0.0)
    for finding in findings:
        name, weight = rhythm_of(finding), CERTAINTY_WEIGHT[finding.certainty]
        if name and not finding.negated and (include_possible or weight >= RELIED_ON):
            weights[name] = max(weights[name], weight)
    return most_specific(weights)
