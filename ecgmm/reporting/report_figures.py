"""The figures of a report as images inside the page, or why one is missing."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ecgmm.errors import UserError
from ecgmm.plots.look import look
from ecgmm.reporting import figure1, figure2, figure3, figure4, gates, reliability
from ecgmm.reporting.drawing import Drawing, svg
from ecgmm.reporting.report_contents import by_experiment, without_folders
from ecgmm.reporting.runs import Run
from ecgmm.runs.store_of_run import STORES

_LARGEST_SVG = 600_000
"""Bytes; beyond it (waveforms have very many points) an image of dots is smaller and quicker to show."""
_DPI = 200
_REM_PER_IN = 7.5  # type of 8 points in print is 13 pixels on a screen


@dataclass(frozen=True)
class Shown:
    """One figure.

    Attributes:
        name: Name of its collector, also its place in the page.
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


def figures(runs: Sequence[Run], compared: list[Run], stores: Path = STORES) -> list[Shown]:
    """Draw every figure, each from the runs that it is about.

    Args:
        runs: All of the page.
        compared: Those of the first experiment of its first table.
        stores: Folder that holds the store of figure 2.
    """
    groups = by_experiment(runs)
    of_lambda, of_fraction = (groups.get(module.EXPERIMENT, []) for module in (figure3, figure4))
    wanted = (
        ("figure1", "Figure 1: architecture", figure1.build, compared),
        ("figure2", "Figure 2: records before and after preparation", partial(figure2.build, stores=stores), compared),
        ("figure3", "Figure 3: weight of the consistency loss", figure3.build, of_lambda),
        ("figure4", "Figure 4: size of the training set", figure4.build, of_fraction),
        ("gates", "Gate by class, signal and report", gates.build, compared),
        ("reliability", "Calibration", reliability.build, compared),
    )
    return [_shown(*one) for one in wanted]


def _shown(name: str, title: str, build: Callable[[list[Run]], Drawing], runs: list[Run]) -> Shown:
    try:
        with look():
            drawing = build(runs)
    except UserError as error:
        return Shown(name, title, "", without_folders(str(error)))
    width_rem = round(_REM_PER_IN * drawing.figure.get_figwidth(), 2)
    return Shown(name, title, _image(drawing), drawing.caption, width_rem, drawing)


def _image(drawing: Drawing) -> str:
    """As an image of its own rather than as elements of the page, whose names would clash between figures."""
    vector = svg(drawing).encode()
    if len(vector) <= _LARGEST_SVG:
        return _url("image/svg+xml", vector)
    buffer = io.BytesIO()
    with look():
        drawing.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return _url("image/png", buffer.getvalue())


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
