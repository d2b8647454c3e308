"""How a collector's command ends."""

import sys
from collections.abc import Callable

from ecgmm.errors import UserError


def exit_code(collect: Callable[[], None]) -> int:
    """Run a collector: 0, or 2 after one line on standard error for a mistake that the user can mend."""
    try:
        collect()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
