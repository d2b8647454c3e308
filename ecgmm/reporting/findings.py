"""One sentence for each part of a page that says what was found, made from the numbers of the runs."""

from collections.abc import Mapping, Sequence
from statistics import mean, median

import numpy as np

from ecgmm.evaluation.metrics import HEADLINE
from ecgmm.plots.confusion import shares_of
from ecgmm.plots.training import best_epoch
from ecgmm.reporting.table2_rows import Measured, Table
from ecgmm.runs.history import HISTORY
from ecgmm.runs.run import Run

Rows = Mapping[str, Sequence[Run]]
"""Runs of each row by its name."""
_LEVEL = 0.05
_MOST_NAMES = 4
_SHORT_S = 180
_LEAST_RECORDS = 10
"""Of a class, before a sentence names it for its errors."""


def of_table(table: Table) -> str:
    """Best row with its interval, and which rows differ from the reference after Holm's correction."""
    measured = {row.key.label: row.measured for row in table.rows if row.measured}
    honest = {name: one for name, one in measured.items() if not one.facts.leaky}
    ranked = sorted(honest, key=lambda name: -honest[name].values[HEADLINE].value)
    if not ranked:
        return "Every row measures a leak."
    best = honest[ranked[0]].values[HEADLINE]
    leads = f"Highest macro AUROC of {_count(len(ranked), 'row')}" if len(ranked) > 1 else "Macro AUROC"
    found = f"{leads}: {ranked[0]} {best.value:.3f} (95 % {best.low:.3f} to {best.high:.3f})."
    return f"{found} {_against_reference(honest, table.reference)}".strip()


def _against_reference(measured: Mapping[str, Measured], reference: str) -> str:
    compared = {name: one.compared[HEADLINE] for name, one in measured.items() if one.compared}
    if not compared:
        return ""
    significant = {name: one for name, one in compared.items() if one.p_holm < _LEVEL}
    below = [name for name, one in significant.items() if one.difference.value > 0]
    above = [name for name in significant if name not in below]
    parts = [
        f"{len(names)} significantly {where} it ({_names(names)})"
        for names, where in ((below, "below"), (above, "above"))
        if names
    ]
    rest = len(compared) - len(significant)
    parts += [f"{rest} cannot be told from it"] if rest else []
    return f"Against {reference}, after Holm's correction: {'; '.join(parts)}."


def of_participants(run: Run) -> str:
    """How many records became how many of each split."""
    counted = run.facts.data.participants
    if counted is None:
        return ""
    splits = ", ".join(f"{one.split} {one.records:,} of {one.patients:,} patients" for one in counted.splits)
    return f"Of {counted.listed:,} records listed, {counted.kept:,} are in the store; records used: {splits}."


def of_training(rows: Rows) -> str:
    """When the best epoch came, and which rows were still improving."""
    best: dict[str, list[tuple[int, int]]] = {}
    for name, runs in rows.items():
        for run in runs:
            history = run.history if (run.directory / HISTORY).exists() else None
            epoch = None if history is None else best_epoch(history)
            if history is not None and epoch is not None:
                best.setdefault(name, []).append((epoch + 1, history.height))
    if not best:
        return ""
    places = [place for one in best.values() for place in one]
    if len(places) == 1:
        epoch, last = places[0]
        late = "; it may not have converged" if epoch == last > 1 else ""
        return f"Best validation AUROC after epoch {epoch} of {last}{late}."
    late_rows = [name for name, one in best.items() if all(epoch == last > 1 for epoch, last in one)]
    late = f"; still improving in the last one, so that they may not have converged: {_names(late_rows)}"
    middle = f"Best validation AUROC after epoch {median(epoch for epoch, _ in places):g} in the median of"
    return f"{middle} {_count(len(places), 'run')}{late if late_rows else ''}."


def of_classes(rows: Rows) -> str:
    """The classes that are told best and worst from the rest, as means over rows and seeds."""
    found: dict[str, list[float]] = {}
    for runs in rows.values():
        for run in runs:
            for row in run.metrics.per_class:
                if row.auroc is not None:
                    found.setdefault(row.name, []).append(row.auroc)
    if not found:
        return ""
    means = {name: mean(values) for name, values in found.items()}
    easy, hard = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    over = " on average over rows" if len(rows) > 1 else ""
    if easy == hard:
        return f"AUROC of {easy}{over}: {means[easy]:.3f}."
    return f"Told best from the rest{over}: {easy} (AUROC {means[easy]:.3f}); worst: {hard} ({means[hard]:.3f})."


def of_ranking(rows: Rows) -> str:
    """Range of macro AUROC and AUPRC over rows."""
    parts = []
    for key, words in (("auroc_macro", "AUROC"), ("auprc_macro", "AUPRC")):
        of_rows = [mean(float(run.metrics[f"test/{key}"]) for run in runs) for runs in rows.values()]
        low, high = min(of_rows), max(of_rows)
        parts.append(f"{words} {low:.3f}" if len(of_rows) == 1 else f"{words} from {low:.3f} to {high:.3f}")
    return f"Macro {' and '.join(parts)}{' over the rows' if len(rows) > 1 else ''}."


def of_confusion(rows: Rows) -> str:
    """Largest error of the first row: a class that is taken for another, or missed."""
    name, runs = next(iter(rows.items()))
    counts = np.sum([run.metrics.confusion_matrix for run in runs], axis=0)
    classes, of_row = runs[0].classes, f" by {name}" if len(rows) > 1 else ""
    share = shares_of(counts)
    if counts.ndim > 2:
        missed = np.where(counts[:, 1].sum(axis=1) >= _LEAST_RECORDS * len(runs), share[:, 1], -1)
        worst = int(missed.argmax())
        if not missed[worst] > 0:
            return f"No class of at least {_LEAST_RECORDS} test records is missed{of_row}."
        return f"Missed most often{of_row}: {classes[worst]}, {share[worst, 1]:.0%} of its records."
    share = np.where(counts.sum(axis=1, keepdims=True) >= _LEAST_RECORDS * len(runs), share, 0)
    np.fill_diagonal(share, 0)
    true, taken = np.unravel_index(int(share.argmax()), share.shape)
    if not share[true, taken] > 0:
        return f"No class of at least {_LEAST_RECORDS} test records is taken for another{of_row}."
    return f"Commonest error{of_row}: {share[true, taken]:.0%} of {classes[true]} are taken for {classes[taken]}."


def of_calibration(rows: Rows) -> str:
    """Calibration error before and after temperature, and how many rows were too sure of themselves."""
    of_rows = []
    for runs in rows.values():
        if all("test/ece" in run.metrics and run.metrics.temperature is not None for run in runs):
            keys = ("test/ece", "test/ece_calibrated")
            errors = [mean(float(run.metrics[key]) for run in runs) for key in keys]
            of_rows.append((*errors, mean(run.temperature for run in runs)))
    if not of_rows:
        return ""
    before, after, temperatures = zip(*of_rows, strict=True)
    if len(of_rows) == 1:
        sure = "too sure" if temperatures[0] > 1 else "not sure enough"
        return (
            f"ECE {before[0]:.3f}, and {after[0]:.3f} after a temperature of {temperatures[0]:.2f}; {sure} of itself."
        )
    n_sure = sum(one > 1 for one in temperatures)
    return (
        f"ECE {median(before):.3f} in the median of the rows, and {median(after):.3f} after temperature;"
        f" {n_sure} of {len(of_rows)} rows were too sure of themselves."
    )


def of_study(values: Mapping[float, Sequence[float]], setting: str) -> str:
    """Settings of a study with the highest and the lowest macro AUROC, as means over seeds.

    Args:
        values: Macro AUROC of each seed by setting.
        setting: What the settings are.
    """
    means = {value: mean(of_seeds) for value, of_seeds in values.items()}
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return f"Highest macro AUROC at {setting} {best:g} ({means[best]:.3f}), lowest at {worst:g} ({means[worst]:.3f})."


def of_cost(runs: Sequence[Run]) -> str:
    """Time and commits of the runs."""
    seconds = sum(run.facts.wall_time_s for run in runs)
    time = f"{seconds:,.0f} s" if seconds < _SHORT_S else f"{seconds / 60:,.0f} minutes"
    n_commits = len({run.facts.commit for run in runs})
    return f"{_count(len(runs), 'run')} of {_count(n_commits, 'commit')} took {time} in all."


def of_gates(runs: Sequence[Run]) -> str:
    """Median of the gate, and the classes in which it leans most to either side."""
    gates, of_class = [], dict[str, list[float]]()
    for run in runs:
        known = run.test.filter("has_report")
        values = known["gate"].to_numpy()
        gates.extend(values.tolist())
        labels = known["label"].to_numpy() if run.task == "single_label" else None
        for k, name in enumerate(run.classes):
            member = labels == k if labels is not None else known[f"label.{name}"].to_numpy() >= 0.5
            of_class.setdefault(name, []).extend(values[member].tolist())
    if not gates:
        return ""
    medians = {name: median(values) for name, values in of_class.items() if len(values) >= _LEAST_RECORDS}
    found = f"Median weight of the waveform {median(gates):.2f} in records with a report"
    if len(medians) < 2:
        return f"{found}."
    low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    return f"{found}, from {medians[low]:.2f} in {low} to {medians[high]:.2f} in {high}."


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"
