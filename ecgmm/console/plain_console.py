"""Tables for a terminal; apart from ``terminal``, since rich is slow to import."""

from typing import Any

from rich.console import Console
from rich.text import Text

from ecgmm.console.terminal import LONGEST_LINE
from ecgmm.errors import printable


class PlainConsole(Console):
    """Console that prints strings as they are: no markup, no emoji codes, no control characters."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """Convert a string for printing, in tables as well; see ``rich.console.Console``."""
        return super().render_str(printable(text, LONGEST_LINE), **settings | {"markup": False, "emoji": False})
