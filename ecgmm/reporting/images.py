"""Figures as data inside a page, each an image of its own: names of elements would clash between figures."""

import base64
import io
from pathlib import Path

from matplotlib.image import imread

from ecgmm.plots.look import look
from ecgmm.reporting.chapters import Image
from ecgmm.reporting.drawing import Drawing, svg

_LARGEST_SVG = 600_000
"""Bytes; beyond it (waveforms have very many points) an image of dots is smaller and quicker to show."""
_DPI = 200
_REM_PER_IN = 7.5  # type of 8 points in print is 13 pixels on a screen


def image_of(drawing: Drawing) -> Image:
    """A figure that was drawn just now."""
    width_rem = round(_REM_PER_IN * drawing.figure.get_figwidth(), 2)
    vector = svg(drawing).encode()
    if len(vector) <= _LARGEST_SVG:
        return Image(_url("image/svg+xml", vector), drawing.caption, width_rem)
    buffer = io.BytesIO()
    with look():
        drawing.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return Image(_url("image/png", buffer.getvalue()), drawing.caption, width_rem)


def image_in(file: Path, caption: str, dpi: float) -> Image:
    """A PNG file of a run's own folder.

    Args:
        file: The file.
        caption: What it shows.
        dpi: Dots per inch that it was drawn with.
    """
    width_in = imread(file).shape[1] / dpi
    return Image(_url("image/png", file.read_bytes()), caption, round(_REM_PER_IN * width_in, 2))


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
