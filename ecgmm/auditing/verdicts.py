"""Verdicts of an audit in plain words: PASS, WARN or LEAK, the reason, and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ecgmm.data.sources.leakage import UNKNOWN, leaks

LOOK_UP = 0.99
"""Macro AUROC, or share of right answers, from which an input is as good as the label itself."""
TELLING = 0.90
"""AUROC from which an input alone nearly gives the label, so that what else a model reads hardly shows."""
CHANCE_MARGIN = 0.05
"""How far above one half the AUROC of exchanged reports may be by luck."""
FEW_RECORDS = 10
"""Number of test records of a class below which its AUROC means little."""

Level = Literal["PASS", "WARN", "LEAK"]


@dataclass(frozen=True)
class Verdict:
    """One line of the audit; ``action`` is empty where there is nothing to do."""

    level: Level
    about: str
    reason: str
    action: str = ""


def verdicts(audit: dict[str, Any]) -> list[Verdict]:
    """Judge the numbers of an audit (the content of ``audit.json`` without the verdicts)."""
    return [
        _patients(audit["patients"]["in_several_splits"]),
        _waveforms(audit["waveforms"]),
        _classes(audit["classes"]),
        _reports(audit["look_up"]),
        *_text(audit),
        *_measurements(audit["probes"]),
    ]


def _patients(n: int) -> Verdict:
    if not n:
        return Verdict("PASS", "patients", "no patient is in two splits")
    reason = f"{n:,} patients have records in several splits, so a model can recognise the person"
    return Verdict("LEAK", "patients", reason, "split by patient: set data.folds=null, or mend the folds of the source")


def _waveforms(counts: dict[str, int]) -> Verdict:
    n = counts["in_several_splits"]
    if not n:
        return Verdict("PASS", "waveforms", "no recording occurs in two splits, byte for byte")
    reason = f"{n:,} rows are copies across splits, {counts['test_in_train']:,} of them test rows found in training"
    return Verdict("LEAK", "waveforms", reason, "remove the copies from the source, or give them one patient id")


def _classes(classes: dict[str, dict[str, int]]) -> Verdict:
    few = [f"{name} ({counts['test']})" for name, counts in classes.items() if counts["test"] < FEW_RECORDS]
    if not few:
        return Verdict("PASS", "classes", f"every class has at least {FEW_RECORDS} test records")
    reason = f"fewer than {FEW_RECORDS} test records: {', '.join(few)}; their AUROC is mostly luck"
    return Verdict("WARN", "classes", reason, "add data or choose a label set without them")


def _reports(counts: dict[str, int]) -> Verdict:
    seen, n = counts["seen"], max(1, counts["test"])
    right = counts["right"] / seen if seen else 0.0
    reason = (
        f"{counts['seen_with_label'] / n:.1%} of the test records have a report that occurs in training with the same"
        f" label; where the report occurs in training, its most frequent label is right in {right:.1%}"
    )
    if right >= LOOK_UP:
        return Verdict("LEAK", "reports", reason, "the report decides the label: set text.policy=masked")
    if counts["seen_with_label"] > n / 2:
        action = "compare every model that reads text with bag_of_statements, which can learn this table"
        return Verdict("WARN", "reports", reason, action)
    return Verdict("PASS", "reports", reason)


def _text(audit: dict[str, Any]) -> Iterator[Verdict]:
    """One verdict per text policy, by the better of the two probes."""
    probed = {probe["text_policy"] for probe in audit["probes"]}
    best = {policy: _best(audit["probes"], policy) for policy in ("full", "masked", "shuffled") if policy in probed}
    origin = audit.get("text_origin", UNKNOWN)  # an audit from before it was written
    source = audit["labels"]["source"]
    yield _full(best["full"], leaks(source, origin, "full", ("text",)), source == UNKNOWN)
    yield _masked(best["masked"], best["full"]) if "masked" in best else _NO_MASK
    yield _shuffled(best["shuffled"])


def _best(probes: list[dict[str, Any]], policy: str) -> dict[str, Any]:
    return max(
        (probe for probe in probes if probe["text_policy"] == policy),
        key=lambda probe: probe["auroc_macro"]["value"] or 0.0,
    )


def _said(probe: dict[str, Any]) -> str:
    area = probe["auroc_macro"]
    name = probe["input"].replace("_", " ")
    if area["value"] is None:
        return f"{name} alone: macro AUROC undefined"
    return f"{name} alone: macro AUROC {area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]"


_NO_MASK = Verdict(
    "WARN",
    "text.policy=masked",
    "nothing says which statements state these labels",
    "list them in the column mask of labels.descriptions",
)


def _full(probe: dict[str, Any], from_report: bool, unknown: bool) -> Verdict:
    about, value = "text.policy=full", probe["auroc_macro"]["value"] or 0.0
    if unknown:
        reason = f"nothing says whether the labels were read from the report; {_said(probe)}"
        return Verdict("LEAK", about, reason, "set labels.source; until then training refuses full without allow_leaky")
    if from_report:
        reason = f"the labels are read from the report that the model would see; {_said(probe)}"
        return Verdict("LEAK", about, reason, "set text.policy=masked; training refuses full without allow_leaky=true")
    if value >= LOOK_UP:
        return Verdict("LEAK", about, _said(probe), "the report is as good as the label: set text.policy=masked")
    if value >= TELLING:
        action = "show text_only and bag_of_statements beside every model that reads the report"
        return Verdict("WARN", about, f"the report nearly states the label; {_said(probe)}", action)
    return Verdict("PASS", about, f"the report helps but does not decide; {_said(probe)}")


def _masked(probe: dict[str, Any], full: dict[str, Any]) -> Verdict:
    about, value = "text.policy=masked", probe["auroc_macro"]["value"] or 0.0
    reason = f"{_said(probe)}, against {full['auroc_macro']['value'] or 0.0:.3f} under full"
    if value >= LOOK_UP:
        return Verdict("LEAK", about, f"masking leaves the label in; {reason}", "set text.policy=none")
    if value >= TELLING:
        action = "read the statements that are left, and show this figure beside every model that reads them"
        return Verdict("WARN", about, f"what masking leaves still nearly gives the label; {reason}", action)
    return Verdict("PASS", about, f"what masking leaves does not decide the label; {reason}")


def _shuffled(probe: dict[str, Any]) -> Verdict:
    about, area = "text.policy=shuffled", probe["auroc_macro"]
    above_chance = (area["value"] or 0.5) > 0.5 + CHANCE_MARGIN and (area["low"] or 0.0) > 0.5
    if not above_chance:
        return Verdict("PASS", about, f"reports of other records say nothing, as it must be; {_said(probe)}")
    action = "look whether having a report at all depends on the class"
    return Verdict("WARN", about, f"reports of other records tell the label; {_said(probe)}", action)


def _measurements(probes: list[dict[str, Any]]) -> Iterator[Verdict]:
    """The measurements as a whole, and every class that they, or their absence, nearly give away."""
    for probe in probes:
        if probe["text_policy"] is not None:
            continue
        name = probe["input"].replace("_", " ")
        telling = [f"{one} {value:.3f}" for one, value in probe["auroc"].items() if (value or 0.0) >= TELLING]
        level: Level = "LEAK" if (probe["auroc_macro"]["value"] or 0.0) >= LOOK_UP else "WARN" if telling else "PASS"
        gives_away = f"; they nearly give away {', '.join(telling)} (AUROC)" if telling else ""
        action = "do not feed them to a model of these labels, or show this figure beside it" if telling else ""
        yield Verdict(level, name, f"{_said(probe)}{gives_away}", action)
