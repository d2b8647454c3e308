"""End of a command that makes a table or figure."""

from collections.abc import Callable

from ecgmm.console.ending import ended
from ecgmm.console.system_errors import first_sentence


def exit_code(collect: Callable[[], None]) -> int:
    """Run it: 0, 2 after one line on standard error for what the user can mend, or that of a signal."""
    return ended(collect, first_sentence)
