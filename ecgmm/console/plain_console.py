"""Tables for a terminal; apart from ``terminal``, since rich takes its time to import."""

from typing import Any

from rich.console import Console
from rich.text import Text

from ecgmm.console.terminal import LONGEST_LINE
from ecgmm.errors import printable


class PlainConsole(Console):
    """A console whose strings are text as it stands: no markup, no emoji codes, no control characters."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """As a string is shown, in a table as well; see ``rich.console.Console``."""
        return super().render_str(printable(text, LONGEST_LINE), **settings | {"markup": False, "emoji": False})
