"""One look for all figures, and files that are the same bytes whenever they are drawn from the same numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ecgmm.errors import printable

COLUMN_WIDTH_IN = 3.5
"""Width of one column of a two-column page."""
PAGE_WIDTH_IN = 7.2
"""Width of both."""
PNG_DPI = 300

_LOOK: dict[Any, Any] = {  # matplotlib types its keys one by one
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that every machine draws the same
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.alpha": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # text stays text, which journals ask for
    "svg.fonttype": "path",
    "svg.hashsalt": "ecgmm",  # element names would be random
}


@contextmanager
def look() -> Iterator[None]:
    """Draw in the look of the house: small type for print at ``COLUMN_WIDTH_IN`` or ``PAGE_WIDTH_IN``."""
    with matplotlib.rc_context(_LOOK):
        yield


def literal(text: str) -> str:
    """A name from outside as a figure shows it: no control characters, and a ``$`` begins no formula."""
    return printable(text).replace("$", r"\$")


def save_figure(figure: Figure, path: Path) -> list[Path]:
    """Save as vector PDF and as PNG, without dates or versions in the files.

    Args:
        figure: What to save.
        path: File without suffix.

    Returns:
        The two files.
    """
    metadata = {".pdf": {"CreationDate": None, "Producer": None, "Creator": None}, ".png": {"Software": None}}
    files = [path.with_name(path.name + suffix) for suffix in metadata]
    with look():
        for file in files:
            figure.savefig(file, dpi=PNG_DPI, metadata=metadata[file.suffix])
    return files
