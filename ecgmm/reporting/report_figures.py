"""The figures of a page of a set of runs: from which runs each is drawn, or why one is missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ecgmm.errors import UserError
from ecgmm.plots.look import look
from ecgmm.reporting import (
    confusion,
    decision_curves,
    degradation,
    figure1,
    figure2,
    figure3,
    figure4,
    gates,
    participants,
    per_class,
    reliability,
    roc,
    subgroups,
    training_curves,
)
from ecgmm.reporting.chapters import Chapter, tables_of
from ecgmm.reporting.drawing import Drawing
from ecgmm.reporting.images import image_of
from ecgmm.reporting.report_contents import by_experiment, participant_tables, without_folders
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import STORES


@dataclass(frozen=True)
class Figure:
    """Entry of the list of figures.

    Attributes:
        title: Heading on the page.
        build: Draws it from runs; raises a UserError where they do not hold what it needs.
        experiment: Name of the experiment whose runs it shows; None for those of the page's first table.
        needs_store: Whether ``build`` also takes the folder that holds stores.
        chooses: Whether ``build`` finds among all runs of the page those that it is about.
        shows_waveforms: Whether it shows waveforms, which of patients are under the terms of the data.
        tables: Tables that stand under it, from the same runs and the folder that holds stores.
    """

    title: str
    build: Callable[..., Drawing]
    experiment: str | None = None
    needs_store: bool = False
    chooses: bool = False
    shows_waveforms: bool = False
    tables: Callable[[Sequence[Run], Path], list[Section]] | None = None


FIGURES = {
    "participants": Figure("Participants", participants.build, tables=participant_tables),
    "training_curves": Figure("Course of training", training_curves.build),
    "roc": Figure("ROC and precision-recall", roc.build),
    "confusion": Figure("Confusion", confusion.build),
    "reliability": Figure("Calibration", reliability.build),
    "gates": Figure("Gate by class, signal and report", gates.build),
    "per_class": Figure("Per class", per_class.build),
    "figure3": Figure("Figure 3: weight of the consistency loss", figure3.build, figure3.EXPERIMENT),
    "figure4": Figure("Figure 4: size of the training set", figure4.build, figure4.EXPERIMENT),
    "subgroups": Figure("Subgroups", subgroups.build, needs_store=True, tables=subgroups.sections),
    "decision_curves": Figure("Decision curves", decision_curves.build),
    "degradation": Figure("Disturbed inputs", degradation.build, chooses=True),
    "figure1": Figure("Figure 1: architecture", figure1.build),
    "figure2": Figure(
        "Figure 2: records before and after preparation", figure2.build, needs_store=True, shows_waveforms=True
    ),
}
"""All figures by the name of their command, in the order of the page."""
_WAVEFORMS = "This figure shows waveforms of patients: mind the terms of the data before passing the page on."


@dataclass(frozen=True)
class Shown:
    """Figures of a page.

    Attributes:
        chapters: One for each that could be drawn.
        drawings: The figures themselves.
        missing: Why others could not be, by their titles.
    """

    chapters: list[Chapter]
    drawings: list[Drawing]
    missing: dict[str, str]


def figures(runs: Sequence[Run], compared: list[Run], stores: Path = STORES) -> Shown:
    """Draw every figure, each from the runs that it is about.

    Args:
        runs: All of the page.
        compared: Those of the first experiment of its first table.
        stores: Folder that holds the stores of the runs.
    """
    groups = by_experiment(runs)
    shown = Shown([], [], {})
    for name, figure in FIGURES.items():
        about = compared if figure.experiment is None else groups.get(figure.experiment, [])
        about = list(runs) if figure.chooses else about
        build = partial(figure.build, stores=stores) if figure.needs_store else figure.build
        try:
            with look():
                drawing = build(about)
        except UserError as error:
            shown.missing[figure.title] = without_folders(str(error))
            continue
        shown.drawings.append(drawing)
        shown.chapters.append(
            Chapter(
                name,
                figure.title,
                drawing.found,
                warning=_WAVEFORMS if figure.shows_waveforms and not about[0].facts.data.synthetic else "",
                images=[image_of(drawing)],
                parts=tables_of(figure.tables(about, stores) if figure.tables else []),
            )
        )
    return shown
