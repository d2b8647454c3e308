"""How a collector's command ends."""

from collections.abc import Callable

from ecgmm.console.ending import ended
from ecgmm.console.system_errors import first_sentence


def exit_code(collect: Callable[[], None]) -> int:
    """Run a collector: 0, 2 after one line on standard error for what the user can mend, or that of a signal."""
    return ended(collect, first_sentence)
