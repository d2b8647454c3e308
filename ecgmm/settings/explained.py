"""Groups and keys of a command with their sentences: what ``--help`` and the reference show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR, options
from ecgmm.settings.composing import composed
from ecgmm.settings.defaults_lists import Part
from ecgmm.settings.sentences import Sentences, sentences_of
from ecgmm.settings.values import written

ADDED_GROUPS = {"train": ("experiment", "ablation", "tuned")}
"""Groups that are not in a command's defaults list: ``+experiment=table2``."""
_MADE = ("native", "sizes", "from_data")
"""Settings that files of methods or the store make; nobody sets them."""


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        name: Dotted.
        value: As it is written behind ``=``; None for a group of keys.
        sentence: Empty where the key shares that of the one before it.
    """

    name: str
    value: str | None
    sentence: str


@dataclass(frozen=True)
class Explained:
    """A command.

    Attributes:
        usage: Lines to type.
        text: What it does.
        choices: The choice of each group.
        keys: In the order of the settings.
    """

    usage: Sequence[str]
    text: str
    choices: dict[str, str]
    keys: Sequence[Key]


def explained(command: str, overrides: Sequence[str] = ()) -> Explained:
    """Explain the settings that a command would take.

    Args:
        command: As ``entries.ENTRIES`` lists them.
        overrides: Of its command line.
    """
    own, composition = _read(CONF_DIR / f"{command}.yaml"), composed(command, overrides)
    keys = [
        Key(name, value, _sentence(name, composition.parts))
        for name, value in _leaves(OmegaConf.to_container(composition.config), "")
        if name.partition(".")[0] not in _MADE
    ]
    choices = {group: choice for group, choice in composition.choices.items() if choice is not None}
    return Explained(own.usage, own.text, dict(sorted(choices.items())), keys)


def choices_explained(group: str) -> dict[str, str]:
    """Sentence of each choice of a group."""
    return {name: _read(CONF_DIR / group / f"{name}.yaml").text for name in options(group)}


_read = cache(sentences_of)


def _leaves(settings: Any, at: str) -> Iterator[tuple[str, str | None]]:
    """Dotted key and value of everything below a part of the settings, groups before what is in them."""
    for name, value in settings.items():
        key = f"{at}.{name}" if at else name
        if isinstance(value, dict) and value:
            yield key, None
            yield from _leaves(value, key)
        elif name not in ("_target_", "_partial_"):
            yield key, value if isinstance(value, str) else written(value).replace("'", "")


def _sentence(name: str, parts: Sequence[Part]) -> str:
    """The sentence of the last file that has one for a key, or else of another choice of its group."""
    for part in reversed(parts):
        if sentence := _in_file(_read(part.path), name, part.package):
            return sentence
    group = name.partition(".")[0]
    others: list[Path] = [CONF_DIR / group / f"{choice}.yaml" for choice in options(group)]
    return next(filter(None, (_in_file(_read(path), name, group) for path in others)), "")


def _in_file(sentences: Sentences, name: str, package: str) -> str:
    below = name.removeprefix(f"{package}.") if package else name
    return "" if package and below == name else sentences.keys.get(below, "")
