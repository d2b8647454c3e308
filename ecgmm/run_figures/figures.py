"""Figures of one run: drawn once at its end into ``<run>/figures``, for its page and for W&B.

They hold numbers of groups of records; no report, no id of a patient or record, no waveform. Drawn again from the same
run they are the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ecgmm.evaluation.calibration import apply_temperature, reliability_curve
from ecgmm.evaluation.ranking import Floats
from ecgmm.files import inside, whole_path
from ecgmm.plots.confusion import confusion_matrix
from ecgmm.plots.curves import roc_and_pr_curves
from ecgmm.plots.gates import gate_histograms
from ecgmm.plots.intervals import draw_intervals
from ecgmm.plots.look import PAGE_WIDTH_IN, literal, look
from ecgmm.plots.reliability import LEAST_COUNT, draw_reliability
from ecgmm.plots.training import draw_training
from ecgmm.run_figures.participants import participant_flow
from ecgmm.runs.directory import FIGURES
from ecgmm.runs.facts import RunDescription
from ecgmm.runs.history import HISTORY, read_history
from ecgmm.runs.metrics import Metric, Metrics
from ecgmm.runs.predictions import labels_and_probabilities, records_of

PNG_DPI = 160
"""1,150 dots across a page: sharp on a screen, a fraction of the bytes of a print."""
_BY_CLASS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
}


@dataclass(frozen=True)
class Results:
    """What the figures of a run are drawn from.

    Attributes:
        facts: ``run.json``.
        metrics: ``metrics.json``.
        frame: ``predictions.parquet``.
        history: ``history.csv``.
    """

    facts: RunDescription
    metrics: Metrics
    frame: pl.DataFrame
    history: pl.DataFrame

    @cached_property
    def test(self) -> pl.DataFrame:
        """Predictions of the test split, one row per record."""
        return records_of(self.frame, "test")

    @cached_property
    def labels_and_probabilities(self) -> tuple[NDArray[Any], Floats]:
        """Labels (``[n]`` or ``[n, K]``) and probabilities ``[n, K]`` of the test records."""
        return labels_and_probabilities(self.test, self.metrics.classes, self.metrics.task)


def _participants(results: Results) -> Figure | None:
    counted = results.facts.data.participants
    return None if counted is None else participant_flow(counted)


def _training(results: Results) -> Figure | None:
    figure = Figure(figsize=(PAGE_WIDTH_IN / 2, 2.8), layout="constrained")
    scores, losses = figure.subplots(2, 1, sharex=True, height_ratios=[1.4, 1])
    draw_training(scores, losses, [results.history])
    if not losses.lines and not scores.lines:
        return None
    scores.set_ylabel("Validation AUROC")
    losses.set(xlabel="Epoch", ylabel="Training loss")
    return figure


def _curves(results: Results) -> Figure | None:
    if set(results.metrics.classes) <= set(results.metrics.absent_classes):
        return None
    return roc_and_pr_curves(*results.labels_and_probabilities, results.metrics.classes)


def _confusion(results: Results) -> Figure:
    return confusion_matrix(results.metrics.confusion_matrix, results.metrics.classes)


def _reliability(results: Results) -> Figure | None:
    labels, probabilities = results.labels_and_probabilities
    task, temperature = results.metrics.task, results.metrics.temperature
    if temperature is None:
        return None
    figure = Figure(figsize=(PAGE_WIDTH_IN / 2, 3.4), layout="constrained")
    curves, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    calibrated = apply_temperature(probabilities, temperature, task)
    before, after = (reliability_curve(labels, one, task) for one in (probabilities, calibrated))
    draw_reliability(curves, counts, before, after)
    curves.set_ylabel("Share correct")
    counts.set(xlabel="Confidence", ylabel="Predictions")
    return figure


def _gate(results: Results) -> Figure | None:
    gates = results.test["gate"]
    if gates.null_count():
        return None
    return gate_histograms(gates.to_numpy(), results.labels_and_probabilities[0], results.metrics.classes)


def _per_class(results: Results) -> Figure:
    metrics = results.metrics
    names = [f"{literal(row.name)} ({row.n:,})" for row in metrics.per_class]
    figure = Figure(figsize=(PAGE_WIDTH_IN, 0.9 + 0.22 * len(names)), layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, len(_BY_CLASS), sharey=True), _BY_CLASS.items(), strict=True):
        found = [metrics.measured.get(f"test/{key}/{row.name}", Metric(value=None)) for row in metrics.per_class]
        draw_intervals(axes, [(float(one), _bound(one.low), _bound(one.high)) for one in found])
        axes.set_title(title, loc="left")
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks([0, 0.5, 1])
        axes.set_yticks(range(len(names)), names)
    return figure


def _bound(value: float | None) -> float:
    return np.nan if value is None else value


@dataclass(frozen=True)
class RunFigure:
    """Entry of the list of figures.

    Attributes:
        title: Heading on the page.
        caption: What it shows.
        draw: Draws it; None where the run has nothing of the kind.
        missing: Why there may be none.
        is_sent: Whether loggers get it, which draw some themselves.
    """

    title: str
    caption: str
    draw: Callable[[Results], Figure | None]
    missing: str = ""
    is_sent: bool = True


RUN_FIGURES = {
    "participants": RunFigure(
        "Participants",
        "Flow of the participants, from the records that the source lists to those that each split uses. A row is a"
        " window of a record.",
        _participants,
        "the run was made before participants were counted",
        is_sent=False,
    ),
    "training": RunFigure(
        "Course of training",
        "Above: macro AUROC on validation after each epoch; the dot marks the epoch whose weights were tested, the"
        " first with the best one. Below: mean training loss of each epoch. Epochs of pre-training, where there are"
        " any, stand first and have no AUROC.",
        _training,
        "the method is not trained in epochs",
        is_sent=False,
    ),
    "curves": RunFigure(
        "ROC and precision-recall",
        "Each class against the rest, on the test split; in brackets the class's share of the records, which a score"
        " that knows nothing reaches as precision.",
        _curves,
        "no class of the test split has records with it and records without it",
    ),
    "confusion_matrix": RunFigure(
        "Confusion",
        "Test records by truth and prediction. Single-label: colour and percentage are shares of the true class."
        " Multi-label: found and missed are shares of the records with the class, false alarm and rightly no of those"
        " without it, at the thresholds chosen on validation.",
        _confusion,
    ),
    "reliability": RunFigure(
        "Calibration",
        "Confidence against share correct on the test split, as predicted (blue, solid) and after the temperature that"
        " was fitted on validation (orange, dashed); on the dotted diagonal they agree. Below: predictions in each of"
        f" the 15 bins. A bin of fewer than {LEAST_COUNT} predictions has no point.",
        _reliability,
        "the run was made before temperatures were fitted",
    ),
    "gate": RunFigure(
        "Gate",
        "Weight α of the waveform in the test records of each class (0 = report only, 1 = waveform only); orange: the"
        " median. Without a report α is 1 by construction.",
        _gate,
        "the method has no gate",
    ),
    "per_class": RunFigure(
        "Per class",
        "Each class against the rest on the test split, with 95 % intervals over resampled patients; in brackets its"
        " test records. A class without records of both kinds has no point.",
        _per_class,
    ),
}
"""All figures by the name of their file, in the order of the page."""


def figures_of(directory: Path) -> dict[str, Path]:
    """The figures that were drawn of a run, by name."""
    files = {name: inside(directory, FIGURES, f"{name}.png") for name in RUN_FIGURES}
    return {name: file for name, file in files.items() if file.is_file()}


def draw_figures(directory: Path, facts: RunDescription, metrics: Metrics, frame: pl.DataFrame) -> dict[str, Path]:
    """Draw the figures of a run, in place of those that were there.

    Args:
        directory: The run directory, which holds ``history.csv``.
        facts: ``run.json``.
        metrics: ``metrics.json``.
        frame: ``predictions.parquet``.

    Returns:
        The files by name of the figure.
    """
    trained = (directory / HISTORY).exists()  # a method in closed form leaves none
    history = read_history(directory, {}) if trained else pl.DataFrame()
    results = Results(facts, metrics, frame, history)
    inside(directory, FIGURES).mkdir(exist_ok=True)
    _remove(directory)
    try:
        for name, entry in RUN_FIGURES.items():
            with look():
                figure = entry.draw(results)
                if figure is not None:
                    with whole_path(directory / FIGURES / f"{name}.png") as part:
                        figure.savefig(part, format="png", dpi=PNG_DPI, metadata={"Software": None})
    except BaseException:
        _remove(directory)  # a part of them would pass for all
        raise
    return figures_of(directory)


def _remove(directory: Path) -> None:
    for file in figures_of(directory).values():
        file.unlink()
