"""What to tell the user whose key is none."""

from collections.abc import Sequence
from difflib import get_close_matches

_MOST_LISTED = 20
_MADE = ("native.", "from_data.", "sizes.")
"""Groups whose keys nobody sets by hand."""
_LIST_THEM = "`--cfg job` behind the command lists all settings"


def unknown_key(name: str, siblings: Sequence[str], at: str = "", everywhere: Sequence[str] = ()) -> str:
    """A sentence with the nearest right key.

    Args:
        name: The key's last part.
        siblings: Keys that stand in the same group.
        at: Where the group stands; empty for the outermost.
        everywhere: Dotted keys of other groups, one of which may have been meant.
    """
    prefix = f"{at}." if at else ""
    near = get_close_matches(name, siblings, n=1)
    elsewhere = [key for key in everywhere if key.rpartition(".")[2] == name and not key.startswith(_MADE)]
    if near:
        cure = f"did you mean {prefix}{near[0]}?"
    elif elsewhere:
        cure = f"did you mean {min(elsewhere, key=lambda key: key.count('.'))}?"
    elif at and 0 < len(siblings) <= _MOST_LISTED:
        cure = f"{at} has {', '.join(siblings)}"
    else:
        cure = _LIST_THEM
    return f"there is no setting {prefix}{name}; {cure}"
