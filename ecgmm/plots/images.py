"""Figures as parts of a page: data URLs whose bytes depend on nothing but what is drawn."""

import base64
import io

from matplotlib.figure import Figure

from ecgmm.plots.look import look

_PNG_DPI = 150


def svg_url(figure: Figure) -> str:
    """Drawing: sharp at any size, small where there are few points."""
    text = io.StringIO()
    with look():
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return url_of("image/svg+xml", svg[svg.index("<svg") :].encode())


def png_url(figure: Figure, dpi: int = _PNG_DPI) -> str:
    """Image of dots: for waveforms, which have very many points."""
    buffer = io.BytesIO()
    with look():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return url_of("image/png", buffer.getvalue())


def url_of(kind: str, content: bytes) -> str:
    """Content of a media type as a URL that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
