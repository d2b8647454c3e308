"""The parts of the table of the suite as plain cells."""

import math
from collections.abc import Sequence

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.evaluation.replicates import replicated_estimate
from ecgmm.reporting.robustness_scores import (
    BASELINE,
    DETECTED,
    HALVES,
    Condition,
    Row,
    detection,
    difference,
    mean_corruption_error,
)
from ecgmm.reporting.table2_sections import Section
from ecgmm.settings.disturbances import CLEAN, KINDS

NONE = "–"
_MODALITIES = ("waveform", "report", "both")


def summary(rows: Sequence[Row], conditions: Sequence[Condition]) -> Section:
    """AUROC of clean inputs, mean over the kinds of each modality, mean corruption error, and the worst case."""
    baseline = next((row for row in rows if row.label == BASELINE), None)
    head = ("Row", "Seeds", "Clean", *(f"Mean, {name}" for name in _MODALITIES), "Mean corruption error", "Worst case")
    lines = []
    for row in rows:
        means = [_of_modality(row, conditions, name) for name in _MODALITIES]
        relative = NONE if baseline is None else _relative(row, baseline, conditions)
        seeds = ", ".join(str(one.run.seed) for one in row.met)
        clean = estimate_text(replicated_estimate(HEADLINE, row.of()))
        lines.append((row.label, seeds, clean, *means, relative, worst_case(row, conditions)))
    return Section("AUROC under disturbances", head, lines)


def _relative(row: Row, baseline: Row, conditions: Sequence[Condition]) -> str:
    return "1" if row is baseline else estimate_text(mean_corruption_error(row, baseline, conditions))


def _of_modality(row: Row, conditions: Sequence[Condition], modality: str) -> str:
    chosen = [one for one in conditions if KINDS[one[0]].modality == modality]
    return estimate_text(replicated_estimate(HEADLINE, row.mean(chosen))) if chosen else NONE


def worst_case(row: Row, conditions: Sequence[Condition]) -> str:
    """Lowest AUROC of all kinds and strengths, and which it is."""
    values = {one: float(row.of(one).by_seed[HEADLINE].mean()) for one in conditions}
    worst = min(values, key=values.__getitem__)
    return f"{values[worst]:.3f} ({condition_text(worst)})"


def by_kind(rows: Sequence[Row], conditions: Sequence[Condition], strongest: bool) -> Section:
    """AUROC of each row under each kind, over its strengths or at the strongest."""
    clean = (CLEAN, "", *(f"{row.of().by_seed[HEADLINE].mean():.3f}" for row in rows))
    lines = [clean]
    for kind, of_kind in grouped(conditions).items():
        chosen = of_kind[-1:] if strongest else of_kind
        shown = condition_text(chosen[0]).partition(" ")[2] if strongest else str(len(of_kind))
        values = [float(row.mean(chosen).by_seed[HEADLINE].mean()) for row in rows]
        best = f"{max(values):.3f}"
        lines.append((kind, shown, *(_bold(f"{value:.3f}", best) for value in values)))
    title = "AUROC at the strongest of each kind" if strongest else "AUROC of each kind, mean over its strengths"
    return Section(title, ("Kind", "Strength" if strongest else "Strengths", *(row.label for row in rows)), lines)


def changes(rows: Sequence[Row], conditions: Sequence[Condition]) -> Section:
    """AUROC under each kind minus that of the same runs undisturbed."""
    lines = [
        (kind, *(estimate_text(row.change(of_kind), signed=True) for row in rows))
        for kind, of_kind in grouped(conditions).items()
    ]
    return Section("Change of AUROC, mean over strengths [95 %]", ("Kind", *(row.label for row in rows)), lines)


def better_half(rows: Sequence[Row], conditions: Sequence[Condition]) -> Section:
    """AUROC of rows that look at both, minus that of the row that looks only at what is not disturbed."""
    by_label = {row.label: row for row in rows}
    both = [row for row in rows if set(row.inputs_at_test) == {"ecg", "text"}]
    lines = []
    for kind, of_kind in grouped(conditions).items():
        half = by_label.get(HALVES.get(KINDS[kind].modality, ""))
        if half is not None:
            cells = (difference_text(difference(row.mean(of_kind), half.mean(of_kind))) for row in both)
            lines.append((kind, half.label, *cells))
    title = "Never worse than the better half: AUROC minus that of the half that is not disturbed, mean over strengths"
    return Section(title, ("Kind", "Half", *(row.label for row in both)), lines)


def calibration_and_gate(rows: Sequence[Row], conditions: Sequence[Condition]) -> Section:
    """Calibration error, area under risk against coverage and mean gate: clean, and mean over kinds of a modality."""
    lines = []
    groups = {CLEAN: [(CLEAN, 0.0)]} | {
        name: chosen
        for name in _MODALITIES
        if (chosen := [one for one in conditions if KINDS[one[0]].modality == name])
    }
    for name, chosen in groups.items():
        for row in rows:
            error = float(row.mean(chosen).by_seed["ece"].mean())
            risk = _mean([one.risk(condition) for one in row.met for condition in chosen])
            gate = _mean([one.gate(condition) for one in row.met for condition in chosen])
            shown = NONE if math.isnan(gate) else f"{gate:.3f}"
            lines.append((name, row.label, f"{error:.3f}", f"{risk:.3f}", shown))
    head = ("Disturbed", "Row", "Calibration error", "Risk over coverage", "Mean gate")
    return Section("Calibration, abstention and gate", head, lines)


def found(rows: Sequence[Row], conditions: Sequence[Condition], resampling: tuple[int, int]) -> Section:
    """AUROC with which the inconsistency score finds pairs that do not belong together, at the strongest."""
    lines = []
    scored = [row for row in rows if not row.met[0].estimates_share]  # the score is the same
    for kind, of_kind in grouped(conditions).items():
        for row in scored if kind in DETECTED else []:
            one = detection(row, of_kind[-1], *resampling)
            if one.overall is not None:
                other = NONE if one.other_class is None else estimate_text(one.other_class)
                lines.append((condition_text(of_kind[-1]), row.label, estimate_text(one.overall), other))
    head = ("Pairs", "Row", "All that were changed", "Classes differ")
    return Section("Finding pairs that do not belong together: AUROC of the inconsistency score", head, lines)


def grouped(conditions: Sequence[Condition]) -> dict[str, list[Condition]]:
    """Conditions by kind, the weakest first."""
    kinds = dict.fromkeys(kind for kind, _ in conditions)
    return {kind: [one for one in conditions if one[0] == kind] for kind in kinds}


def condition_text(condition: Condition) -> str:
    """Kind, strength and unit."""
    kind, strength = condition
    unit = KINDS[kind].unit
    shown = (
        f"{strength:.0%} of {unit.removeprefix('share of ')}" if unit.startswith("share of") else f"{strength:g} {unit}"
    )
    return f"{kind} {shown}"


def estimate_text(one: Estimate, signed: bool = False) -> str:
    """A value with its interval."""
    form = "+.3f" if signed else ".3f"
    if math.isnan(one.low):
        return f"{one.value:{form}}"
    return f"{one.value:{form}} [{one.low:{form}}, {one.high:{form}}]"


def difference_text(one: Difference) -> str:
    """A difference with its interval; bold where it lies below 0 with all of the interval."""
    text = estimate_text(Estimate(one.value, one.low, one.high), signed=True)
    return f"**{text}**" if one.high < 0 else text


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _bold(text: str, best: str) -> str:
    return f"**{text}**" if text == best else text
