"""How a collector's command ends."""

from collections.abc import Callable

from ecgmm.errors import UserError
from ecgmm.terminal import say


def exit_code(collect: Callable[[], None]) -> int:
    """Run a collector: 0, or 2 after one line on standard error for a mistake that the user can mend."""
    try:
        collect()
    except UserError as error:
        say(f"error: {error}", to_stderr=True)
        return 2
    return 0
