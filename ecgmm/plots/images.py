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
    return _url("image/svg+xml", svg[svg.index("<svg") :].encode())


def png_url(figure: Figure) -> str:
    """Image of dots: for waveforms, which have very many points."""
    buffer = io.BytesIO()
    with look():
        figure.savefig(buffer, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return _url("image/png", buffer.getvalue())


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
