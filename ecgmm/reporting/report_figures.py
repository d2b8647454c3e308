"""The figures of a report as images inside the page, or why one is missing."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ecgmm.errors import UserError
from ecgmm.plots.look import look
from ecgmm.reporting import (
    decision_curves,
    degradation,
    figure1,
    figure2,
    figure3,
    figure4,
    gates,
    reliability,
    subgroups,
)
from ecgmm.reporting.drawing import Drawing, svg
from ecgmm.reporting.report_contents import by_experiment, without_folders
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import STORES

_LARGEST_SVG = 600_000
"""Bytes; beyond it (waveforms have very many points) an image of dots is smaller and quicker to show."""
_DPI = 200
_REM_PER_IN = 7.5  # type of 8 points in print is 13 pixels on a screen


@dataclass(frozen=True)
class Shown:
    """One figure.

    Attributes:
        name: Name of its command, also its place in the page.
        title: Heading.
        image: Its data as a URL; empty where it could not be drawn.
        caption: What it shows; where it could not be drawn, why.
        width_rem: Width on a wide screen, so that all figures have type of one size.
        drawing: The figure itself; None where it could not be drawn.
    """

    name: str
    title: str
    image: str
    caption: str
    width_rem: float = 0.0
    drawing: Drawing | None = None


@dataclass(frozen=True)
class Figure:
    """Entry of the list of figures.

    Attributes:
        title: Heading on the page.
        build: Draws it from runs; raises a UserError where they do not hold what it needs.
        experiment: Name of the experiment whose runs it shows; None for those of the page's first table.
        needs_store: Whether ``build`` also takes the folder that holds stores.
        chooses: Whether ``build`` finds among all runs of the page those that it is about.
    """

    title: str
    build: Callable[..., Drawing]
    experiment: str | None = None
    needs_store: bool = False
    chooses: bool = False


FIGURES = {
    "figure1": Figure("Figure 1: architecture", figure1.build),
    "figure2": Figure("Figure 2: records before and after preparation", figure2.build, needs_store=True),
    "figure3": Figure("Figure 3: weight of the consistency loss", figure3.build, figure3.EXPERIMENT),
    "figure4": Figure("Figure 4: size of the training set", figure4.build, figure4.EXPERIMENT),
    "gates": Figure("Gate by class, signal and report", gates.build),
    "reliability": Figure("Calibration", reliability.build),
    "subgroups": Figure("Subgroups", subgroups.build, needs_store=True),
    "decision_curves": Figure("Decision curves", decision_curves.build),
    "degradation": Figure("Disturbed inputs", degradation.build, chooses=True),
}
"""All figures by the name of their command, in the order of the page."""


def figures(runs: Sequence[Run], compared: list[Run], stores: Path = STORES) -> list[Shown]:
    """Draw every figure, each from the runs that it is about.

    Args:
        runs: All of the page.
        compared: Those of the first experiment of its first table.
        stores: Folder that holds the stores of the runs.
    """
    groups = by_experiment(runs)
    shown = []
    for name, figure in FIGURES.items():
        about = compared if figure.experiment is None else groups.get(figure.experiment, [])
        about = list(runs) if figure.chooses else about
        build = partial(figure.build, stores=stores) if figure.needs_store else figure.build
        shown.append(_shown(name, figure.title, build, about))
    return shown


def _shown(name: str, title: str, build: Callable[[list[Run]], Drawing], runs: list[Run]) -> Shown:
    try:
        with look():
            drawing = build(runs)
    except UserError as error:
        return Shown(name, title, "", without_folders(str(error)))
    width_rem = round(_REM_PER_IN * drawing.figure.get_figwidth(), 2)
    return Shown(name, title, _image(drawing), drawing.caption, width_rem, drawing)


def _image(drawing: Drawing) -> str:
    """Image of its own rather than as elements of the page, whose names would clash between figures."""
    vector = svg(drawing).encode()
    if len(vector) <= _LARGEST_SVG:
        return _url("image/svg+xml", vector)
    buffer = io.BytesIO()
    with look():
        drawing.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return _url("image/png", buffer.getvalue())


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
