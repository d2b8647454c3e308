"""Plain output on a terminal: text from files cannot change its title, its colours or the order of letters."""

import logging
import sys
from typing import Any

from ecgmm.errors import printable

LONGEST_LINE = 20_000
"""Characters of a line that are printed; no path and no sentence is longer."""


def say(*lines: object, to_stderr: bool = False) -> None:
    """Print lines; control characters in them, line ends included, are shown by their numbers."""
    for line in lines:
        print(printable(line, LONGEST_LINE), file=sys.stderr if to_stderr else sys.stdout, flush=to_stderr)


class PlainFormatter(logging.Formatter):
    """Formatter of log messages that prints as ``say`` does; a traceback keeps its lines. Used by ``conf/hydra``."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name that logging calls)
        """Format a message as one line."""
        return printable(super().formatMessage(record), LONGEST_LINE)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name that logging calls)
        """Format a traceback, one line for each of its lines."""
        return "\n".join(printable(line, LONGEST_LINE) for line in super().formatException(ei).split("\n"))
