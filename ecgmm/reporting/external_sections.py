"""The parts of the tables of external validation as plain cells, the same for Markdown and LaTeX."""

import math
from collections.abc import Collection, Sequence

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS
from ecgmm.reporting.external_rows import Row, Side
from ecgmm.reporting.table2_notes import LEAK_MARK, join
from ecgmm.reporting.table2_sections import Section

_AT_ONCE = 4
"""Metrics with intervals that stand side by side on a page."""
_NONE = "–"


def parts(rows: Sequence[Row]) -> list[Section]:
    """All parts of one set that have a line."""
    keys = list(TABLE2_METRICS)
    few = [keys[first : first + _AT_ONCE] for first in range(0, len(keys), _AT_ONCE)]
    sections = (
        *(metrics(rows, some) for some in few),
        *(paired(rows, some) for some in few),
        calibration(rows),
        recalibration(rows),
        prevalence(rows),
    )
    return [section for section in sections if section.lines]


def title(rows: Sequence[Row]) -> str:
    """Heading of a set."""
    about, leads = rows[0].about, rows[0].metrics.leads
    fewer = f", leads {' '.join(leads)}" if leads else ""
    return f"{about.store} ({about.source}), {'whole' if about.split == 'all' else about.split + ' split'}{fewer}"


def facts(rows: Sequence[Row]) -> list[str]:
    """What was measured on, what was left out, and whether patients of the training may be there."""
    first, about = rows[0], rows[0].about
    text = first.metrics.origins.text_origin if first.metrics.origins else "unknown"
    synthetic = ", SYNTHETIC" if about.synthetic else ""
    classes = {
        "classes measured": first.metrics.classes,
        "only the model has": about.only_model,
        "only the store has": about.only_store,
        "matched": [f"{ours} as {meant}" for ours, meant in about.class_map.items()],
    }
    lines = [
        f"{first.external.n_records:,} records of {first.external.n_patients:,} patients{synthetic}; labels:"
        f" {about.labels.name}, source: {about.labels.source}; text: {text}; selection: {about.selection}",
        "; ".join(f"{what} {join(names)}" for what, names in classes.items() if names),
    ]
    if about.labels.dropped:
        lines.append("rows left out: " + join([f"{count:,} ({why})" for why, count in about.labels.dropped.items()]))
    for row in rows:
        seen = row.about.patients
        if not seen.checked:
            lines.append(f"{_name(row)}: whether patients of its training are in the set could not be checked")
        elif seen.dropped_patients:
            lines.append(f"{_name(row)}: {seen.dropped_patients:,} patients of its training were left out")
        if row.about.without_report and "text" in row.run.facts.inputs_at_test:
            lines.append(f"{_name(row)}: {row.about.without_report:,} rows had no report")
        if not row.differences:
            inside, outside = (join(side.absent) or "none" for side in (row.internal, row.external))
            lines.append(
                f"{_name(row)}: no difference is given, means are over other classes (absent internally: {inside};"
                f" externally: {outside})"
            )
        if _is_leaky(row):
            lines.append(f"{LEAK_MARK} labels come from the report that the method also reads: it measures the leak")
    return lines


def metrics(rows: Sequence[Row], keys: Collection[str]) -> Section:
    """Some of the metrics of each run at home and outside, and their difference."""
    heads = [TABLE2_METRICS[key] for key in keys]
    lines: list[tuple[str, ...]] = []
    for row in rows:
        lines += [
            (_name(row), "internal", *(_estimate(row.internal.values[key]) for key in keys)),
            ("", "external", *(_estimate(row.external.values[key]) for key in keys)),
            ("", "internal − external", *(_gap(row.differences.get(key)) for key in keys)),
        ]
    return Section(f"Internal test and external set (95 %): {join(heads)}", ("Run", "Side", *heads), lines)


def paired(rows: Sequence[Row], keys: Collection[str]) -> Section:
    """The first run minus each other on the external records, and p after Holm."""
    heads = [TABLE2_METRICS[key] for key in keys]
    lines = [
        (_name(row), *(f"{_gap(gap)} p {_p(p)}" for gap, p in (row.paired[key] for key in keys)))
        for row in rows
        if row.paired
    ]
    return Section(f"{_name(rows[0])} minus each, on the same external records: {join(heads)}", ("Run", *heads), lines)


def calibration(rows: Sequence[Row]) -> Section:
    """Calibration on both sides, as it is and after the temperature of the training run."""
    keys = ("ece", "brier", "ece_calibrated", "brier_calibrated")
    lines = [
        (name, where, *(_estimate(side.values[key]) for key in keys))
        for row in rows
        for name, where, side in ((_name(row), "internal", row.internal), ("", "external", row.external))
    ]
    return Section("Calibration (95 %)", ("Run", "Side", "ECE", "Brier", "ECE after T", "Brier after T"), lines)


def recalibration(rows: Sequence[Row]) -> Section:
    """What thresholds and temperature of some external patients change for the others."""
    lines: list[tuple[str, ...]] = []
    for row in rows:
        new = row.metrics.recalibration
        if new is None:
            continue
        for name, where, measured in (
            (_name(row), "of training", new.before),
            (f"{new.n_patients:,} patients, seed {new.seed}", "fitted anew", new.after),
        ):
            keys = ("accuracy", "f1_macro", "ece_calibrated", "brier_calibrated")
            found = [measured[f"{row.about.split}/{key}"] for key in keys]
            cells = [_estimate(Estimate(float(one), _or_nan(one.low), _or_nan(one.high))) for one in found]
            lines.append((name, where, f"{measured.n_records:,}", *cells))
    head = ("Run", "Thresholds, T", "Records", "Acc.", "F1", "ECE after T", "Brier after T")
    return Section("Recalibrated on a part of the external patients, measured on the others", head, lines)


def prevalence(rows: Sequence[Row]) -> Section:
    """Records of each class, and its AUROC, on both sides."""
    lines: list[tuple[str, ...]] = []
    for row in rows:
        for place, name in enumerate(row.metrics.classes):
            sides = [cell for side in (row.internal, row.external) for cell in _of_class(side, name)]
            lines.append((_name(row) if place == 0 else "", name, *sides))
    head = ("Run", "Class", "Internal n (share)", "AUROC", "External n (share)", "AUROC")
    return Section("Prevalence and AUROC of each class", head, lines)


def notes(n_resamples: int) -> list[str]:
    """How to read it."""
    return [
        "Internal: the run's own test split, over the classes that are measured outside. Thresholds and temperature are"
        " those that the run chose on its own validation patients, on both sides.",
        f"Intervals: {n_resamples:,} resamples of patients. Internal − external is unpaired: the sides hold other"
        " patients and are resampled independently; above 0 the run is worse outside. It holds differences of patients,"
        " devices, labels and prevalence together.",
        "Runs on the same external records are compared in the same resamples (paired); p is two-sided, after Holm's"
        " correction for all runs and metrics of the set. A row is one run: nothing here covers training again with"
        " another seed.",
        f"{TABLE2_METRICS[HEADLINE]}, AUPRC, F1, precision, recall, specificity: macro means over the classes. AUPRC,"
        " precision and F1 change with prevalence even where a model ranks as well as before.",
    ]


def _of_class(side: Side, name: str) -> tuple[str, str]:
    n = side.n_positive[name]
    return f"{n:,} ({n / side.n_records:.1%})", _number(side.values[f"auroc/{name}"].value)


def _name(row: Row) -> str:
    return row.name + LEAK_MARK * _is_leaky(row)


def _is_leaky(row: Row) -> bool:
    return row.metrics.origins is not None and row.metrics.origins.leaky


def _estimate(one: Estimate) -> str:
    return f"{_number(one.value)} ({_number(one.low)}–{_number(one.high)})"


def _gap(gap: Difference | None) -> str:
    if gap is None or not math.isfinite(gap.value):
        return _NONE
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]"


def _p(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "n/a"


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
