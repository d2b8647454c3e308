"""Sentences for a setting or a choice that does not exist, with the nearest one that does."""

from collections.abc import Sequence
from difflib import get_close_matches

from ecgmm.errors import printable
from ecgmm.settings.lookup import known_keys

_MOST_LISTED = 20
_ALIKE = 0.8
_MADE = ("native.", "from_data.", "sizes.")
"""Groups whose keys nobody sets by hand."""
_LIST_THEM = "`--cfg job` behind the command lists all settings"


def no_such_choice(group: str, choice: object, options: Sequence[str]) -> str:
    """Sentence for a choice that a group of ``conf/`` does not have."""
    if group == "tuned":
        some = f", only for {', '.join(options)}" if options else ""
        return (
            f"no settings were chosen for {printable(choice)} yet{some}; search them: python -m ecgmm.train"
            f" +experiment=tuning method={printable(choice)} (docs/understand/tuning.md)"
        )
    return f"{group} is {printable(choice)!r}; choose one of {', '.join(options)}"


def no_such_key(entry: str, key: str, *, is_group: bool = False) -> str:
    """Sentence for a dotted key that a command does not have.

    Args:
        entry: The command.
        key: As the user wrote it.
        is_group: Whether a group of ``conf/`` has this name.
    """
    key = printable(key)
    if is_group and entry == "train" and key in ("experiment", "ablation", "tuned"):
        return f"{key} is added to the settings; write +{key}=..."
    known = known_keys(entry)
    if key in known:
        return (
            f"{key} is no setting here; it belongs to another choice of a group (`--cfg job` behind the command lists"
            " the settings that it has)"
        )
    if key in known_keys():
        return f"{entry} has no setting {key}; it belongs to another command ({_LIST_THEM})"
    at, _, name = key.rpartition(".")
    siblings = [one.rpartition(".")[2] for one in known if one.rpartition(".")[0] == at]
    return unknown_key(name, siblings, at, known)


def unknown_key(name: str, siblings: Sequence[str], at: str = "", everywhere: Sequence[str] = ()) -> str:
    """Sentence for an unknown key, with the nearest right one.

    Args:
        name: The key's last part.
        siblings: Keys that stand in the same group.
        at: Where the group stands; empty for the outermost.
        everywhere: Dotted keys of other groups, one of which may have been meant.
    """
    prefix = f"{at}." if at else ""
    near = [f"{prefix}{one}" for one in get_close_matches(name, siblings, n=1)]
    near = near or _elsewhere(f"{prefix}{name}", everywhere)
    if near:
        cure = f"did you mean {near[0]}?"
    elif at and 0 < len(siblings) <= _MOST_LISTED:
        cure = f"{at} has {', '.join(siblings)}"
    else:
        cure = _LIST_THEM
    return f"there is no setting {prefix}{name}; {cure}"


def _elsewhere(key: str, everywhere: Sequence[str]) -> list[str]:
    """Find the dotted key that is spelled most like a mistyped one, as a whole or in its last part."""
    own = [one for one in everywhere if not one.startswith(_MADE)]
    if "." in key and (near := get_close_matches(key, own, n=1, cutoff=_ALIKE)):
        return near
    last: dict[str, str] = {}
    for one in sorted(own, key=lambda one: one.count(".")):
        last.setdefault(one.rpartition(".")[2].lower(), one)
    near = get_close_matches(key.rpartition(".")[2].lower(), last, n=1, cutoff=_ALIKE)
    return [last[near[0]]] if near else []
