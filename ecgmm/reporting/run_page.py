"""The page of one run, ``<run>/report.html``, from the figures that were drawn of it and its numbers."""

import logging
from collections.abc import Callable
from pathlib import Path

from ecgmm.errors import first_line
from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS
from ecgmm.files import inside
from ecgmm.reporting import findings
from ecgmm.reporting import report_contents as contents
from ecgmm.reporting.chapters import Chapter, Part, tables_of, write_page
from ecgmm.reporting.images import image_in
from ecgmm.reporting.table2_notes import LEAK_MARK
from ecgmm.reporting.table2_sections import Section
from ecgmm.run_figures.figures import PNG_DPI, RUN_FIGURES, draw_figures, figures_of
from ecgmm.runs.directory import PAGE
from ecgmm.runs.metrics import Metric
from ecgmm.runs.run import Run

log = logging.getLogger(__name__)
_METRICS = TABLE2_METRICS | {
    "ece": "ECE",
    "ece_calibrated": "ECE after temperature",
    "classwise_ece": "Class-wise ECE",
    "classwise_ece_calibrated": "Class-wise ECE after temperature",
    "calibration_slope": "Calibration slope (1 is right)",
    "calibration_slope_calibrated": "Calibration slope after temperature",
    "calibration_intercept": "Calibration intercept (0 is right)",
    "calibration_intercept_calibrated": "Calibration intercept after temperature",
    "brier": "Brier",
    "brier_calibrated": "Brier after temperature",
}
_PER_CLASS = ("auroc", "auprc", "sensitivity", "specificity", "precision", "f1")
_NONE = "–"
_FOUND: dict[str, Callable[[Run], str]] = {
    "participants": findings.of_participants,
    "training": lambda run: findings.of_training({run.method: [run]}),
    "curves": lambda run: findings.of_ranking({run.method: [run]}),
    "confusion_matrix": lambda run: findings.of_confusion({run.method: [run]}),
    "reliability": lambda run: findings.of_calibration({run.method: [run]}),
    "gate": lambda run: findings.of_gates([run]),
    "per_class": lambda run: findings.of_classes({run.method: [run]}),
}


def write(directory: Path) -> Path:
    """Draw the figures of a finished run again and write its page.

    Returns:
        The page.

    Raises:
        UserError: If the run is not finished or damaged.
    """
    run = Run.open(directory)
    draw_figures(directory, run.facts, run.metrics, run.predictions)
    return _write(run)


def leave(directory: Path) -> None:
    """Write the page of a run that was trained, from the figures that training has drawn; one that is there stays.

    Nothing that goes wrong here makes a run fail: it is said in one line. Where there are no figures, training has said
    why, or an earlier version has trained the run.
    """
    try:
        if figures_of(directory) and not inside(directory, PAGE).exists():
            _write(Run.open(directory))
    except Exception as error:
        log.warning("no page is written (%s); `ecgmm report %s` tries again", first_line(error), directory)


def _write(run: Run) -> Path:
    drawn = figures_of(run.directory)
    below = {
        "participants": tables_of(contents.participant_tables([run])),
        "per_class": [Part("All numbers", _per_class(run), folded=True)],
    }
    chapters = [
        Chapter("results", "Results", _found(run), parts=[Part("", _results(run))]),
        *(
            Chapter(
                name,
                figure.title,
                _FOUND[name](run),
                images=[image_in(drawn[name], figure.caption, PNG_DPI)],
                parts=below.get(name, []),
            )
            for name, figure in RUN_FIGURES.items()
            if name in drawn
        ),
        *contents.closing([run], [run]),
    ]
    missing = [f"{one.title}: {one.missing}." for name, one in RUN_FIGURES.items() if name not in drawn]
    if missing:
        chapters.insert(1 + len(drawn), Chapter("missing", "What is not shown", parts=[Part("", lines=missing)]))
    page = inside(run.directory, PAGE)
    title = f"Run of {run.method}, seed {run.seed}"
    write_page(page, title, contents.warnings([run]), contents.header([run]), chapters)
    return page


def _found(run: Run) -> str:
    metric, n = run.metrics[f"test/{HEADLINE}"], run.metrics
    return (
        f"Macro AUROC {_number(metric.value)} (95 % {_number(metric.low)} to {_number(metric.high)}) on"
        f" {n.n_records:,} test records of {n.n_patients:,} patients."
    )


def _results(run: Run) -> Section:
    readouts = run.metrics.with_readouts()
    leaky = {"": run.facts.leaky} | {name: one.leaky for name, one in run.facts.readouts.items()}
    head = ("Metric", *((name or run.method) + LEAK_MARK * leaky.get(name, False) for name in readouts))
    lines = [
        (words, *(_cell(part.measured.get(f"test/{key}")) for part in readouts.values()))
        for key, words in _METRICS.items()
    ]
    return Section("Metrics on the test split (95 % interval)", head, lines)


def _per_class(run: Run) -> Section:
    lines = [
        (row.name, f"{row.n:,}", *(_cell(run.metrics.measured.get(f"test/{key}/{row.name}")) for key in _PER_CLASS))
        for row in run.metrics.per_class
    ]
    head = ("Class", "Records", *(key.upper() if key.startswith("au") else key.capitalize() for key in _PER_CLASS))
    return Section("Each class against the rest (95 % interval)", head, lines)


def _cell(metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return _NONE
    interval = "" if metric.low is None else f" ({_number(metric.low)}–{_number(metric.high)})"
    return _number(metric.value) + interval


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"
