"""Figures as data inside a page, each an image of its own: names of elements would clash between figures."""

from pathlib import Path

from matplotlib.image import imread

from ecgmm.plots.images import png_url, svg_url, url_of
from ecgmm.reporting.chapters import Image
from ecgmm.reporting.drawing import Drawing

_LARGEST_SVG = 800_000
"""Characters as data; beyond it (waveforms have very many points) an image of dots is smaller and quicker to show."""
_DPI = 200
_REM_PER_IN = 7.5  # type of 8 points in print is 13 pixels on a screen


def image_of(drawing: Drawing) -> Image:
    """A figure that was drawn just now."""
    width_rem = round(_REM_PER_IN * drawing.figure.get_figwidth(), 2)
    vector = svg_url(drawing.figure)
    source = vector if len(vector) <= _LARGEST_SVG else png_url(drawing.figure, _DPI)
    return Image(source, drawing.caption, width_rem)


def image_in(file: Path, caption: str, dpi: float) -> Image:
    """A PNG file of a run's own folder.

    Args:
        file: The file.
        caption: What it shows.
        dpi: Dots per inch that it was drawn with.
    """
    width_in = imread(file).shape[1] / dpi
    return Image(url_of("image/png", file.read_bytes()), caption, round(_REM_PER_IN * width_in, 2))
