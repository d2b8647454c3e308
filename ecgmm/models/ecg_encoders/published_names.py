"""Names of weights in public files and their names here: tables of patterns, and a check that all is there."""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from torch import Tensor

from ecgmm.errors import ConfigError, printable

log = logging.getLogger(__name__)

Rule = tuple[str, str | Callable[[re.Match[str]], str] | None]
"""Pattern of a whole name in the file and its name here (``re.sub``); None drops it."""


def renamed(
    state: Mapping[str, Tensor], rules: Sequence[Rule], own: Mapping[str, Tensor], whose: str
) -> dict[str, Tensor]:
    """Rename the weights of a public file by the first rule that fits each name; without a rule a name stays.

    Args:
        state: Weights by their name in the file.
        rules: The table.
        own: Weights by their name here; each must be in the file, in its shape.
        whose: Whom the file should be from, for the message.

    Returns:
        The weights of the file by the names of ``own``, all of them and no other.

    Raises:
        ConfigError: If a name is missing, unknown or of another shape: the file is not theirs.
    """
    found, dropped = dict[str, Tensor](), list[str]()
    for name, tensor in state.items():
        new = _new_name(name, rules)
        if new is None:
            dropped.append(name)
        elif new not in own:
            raise ConfigError(f"the file holds no weights of {whose}: they have no {printable(name)}")
        elif tensor.shape != own[new].shape:
            shapes = f"{_written(tensor)} in the file and {_written(own[new])} in theirs"
            raise ConfigError(f"the file holds no weights of {whose}: {printable(name)} is {shapes}")
        else:
            found[new] = tensor
    missing = [name for name in own if name not in found]
    if missing:
        raise ConfigError(f"the file holds no weights of {whose}: {len(missing)} are missing, such as {missing[0]}")
    if dropped:
        parts = ", ".join(_parts(dropped, state.keys() - set(dropped)))
        log.info("Left out of the file, as only its own training or tasks need them: %s.", printable(parts))
    return found


def _parts(dropped: Sequence[str], kept: Collection[str]) -> list[str]:
    """First parts of names that were dropped; where others of that part were kept, all of them, with * for numbers."""
    kept_first = {name.split(".")[0] for name in kept}
    starred = [["*" if part.isdigit() else part for part in name.split(".")] for name in dropped]
    return sorted({".".join(parts[:-1]) if parts[0] in kept_first else parts[0] for parts in starred})


def _new_name(name: str, rules: Sequence[Rule]) -> str | None:
    for pattern, new in rules:
        match = re.fullmatch(pattern, name)
        if match is not None:
            return match.expand(new) if isinstance(new, str) else new and new(match)
    return name


def _written(tensor: Tensor) -> str:
    return " x ".join(str(size) for size in tensor.shape) or "a number"
