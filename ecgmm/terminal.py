"""What reaches a terminal: words from files change neither its title and colours nor the order of letters."""

import logging
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from ecgmm.errors import printable

_LONGEST_LINE = 20_000


def say(*lines: object, to_stderr: bool = False) -> None:
    """Print lines; control characters in them, line ends too, are shown by their numbers."""
    for line in lines:
        print(printable(line, _LONGEST_LINE), file=sys.stderr if to_stderr else sys.stdout, flush=to_stderr)


class PlainConsole(Console):
    """A console whose strings are text as it stands: no markup, no emoji codes, no control characters."""

    def render_str(self, text: str, **settings: Any) -> Text:
        """As a string is shown, in a table as well; see ``rich.console.Console``."""
        return super().render_str(printable(text, _LONGEST_LINE), **settings | {"markup": False, "emoji": False})


class PlainFormatter(logging.Formatter):
    """Formats messages of the log as ``say`` prints lines; a traceback keeps its lines. Used by ``conf/hydra``."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name that logging calls)
        """One line."""
        return printable(super().formatMessage(record), _LONGEST_LINE)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name that logging calls)
        """One line for each of a traceback."""
        return "\n".join(printable(line, _LONGEST_LINE) for line in super().formatException(ei).split("\n"))
