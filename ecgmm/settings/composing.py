"""Composition of a command's settings from ``conf/`` in a process that never imports Hydra.

The result is Hydra's own, to the order of the keys; ``tests/settings`` compares the two.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError

from ecgmm.configuration import CONF_DIR, options
from ecgmm.errors import ConfigError, printable
from ecgmm.settings.defaults_lists import Choices, Default, Part, parts_of
from ecgmm.settings.lookup import form_of, may_be_left_out
from ecgmm.settings.unknown import no_such_choice, no_such_key
from ecgmm.settings.values import read_value, text_value

_OVERRIDE = re.compile(r"(?P<mark>\+\+?|~|)(?P<key>[^=+~]+)(?P<value>=.*)?", re.DOTALL)


@dataclass(frozen=True)
class Composition:
    """Settings and where they come from.

    Attributes:
        config: The settings.
        parts: Contents of the files that they were merged from, in that order.
        choices: The choice of each group; None for a group that was left out.
    """

    config: DictConfig
    parts: Sequence[Part]
    choices: dict[str, str | None]


def compose(name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """Compose the settings of a command.

    Args:
        name: The command: ``train``, ``prepare`` and so on, as ``entries.ENTRIES`` lists them.
        overrides: As on the command line: ``method=concat`` chooses a file of a group, ``+ablation=cosine`` adds one,
            ``optimizer.lr=1e-3`` sets a value; paths and texts are taken as they are written.

    Returns:
        The settings, interpolations unresolved, not yet checked (``ecgmm.settings.checked``); keys cannot be added.

    Raises:
        ConfigError: If a group, a choice or a key does not exist, a value cannot be read, or a sweep is asked for.
    """
    composition = composed(name, overrides)
    for part in composition.parts:
        if OmegaConf.select(part.content, "hydra.mode") == "MULTIRUN":
            raise ConfigError(f"{part.path.stem} is a sweep; start it with python -m ecgmm.{name}")
    return composition.config


def composed(name: str, overrides: Sequence[str]) -> Composition:
    """As ``compose``, for sweeps too, with where the settings come from."""
    choices, added, changes = Choices(), list[Default](), list[tuple[str, str, Any]]()
    for text in overrides:
        mark, key, value = _split(text)
        group, _, package = key.partition("@")
        if not (CONF_DIR / group).is_dir() or isinstance(value, dict):
            changes.append((mark, key, value))
        elif mark == "~":
            choices.wanted[key] = None
        elif not isinstance(value, str):
            raise ConfigError(no_such_choice(group, text.partition("=")[2], options(group)))
        elif mark:
            added.append(Default(group, value, package or None))
        else:
            choices.wanted[key] = value
    parts = parts_of(name, choices, added)
    for key in choices.wanted.keys() - choices.made.keys():
        raise ConfigError(no_such_key(name, key, is_group=True))
    config = OmegaConf.create()
    for part in parts:
        config.merge_with(part.embedded())
    config.pop("hydra", None)
    OmegaConf.set_struct(config, True)
    for mark, key, value in changes:
        _change(name, config, mark, key, value)
    return Composition(config, parts, choices.made)


def _split(text: str) -> tuple[str, str, Any]:
    """Mark, key and value of an override."""
    match = _OVERRIDE.fullmatch(text)
    if match is None or (match["value"] is None and match["mark"] != "~"):
        raise ConfigError(f"cannot read {printable(text)!r}; settings are written key=value, such as seed=1")
    mark, key, value = match["mark"], match["key"], (match["value"] or "=null")[1:]
    form = form_of(key)
    return mark, key, text_value(value, is_path=form == "path") if form in ("path", "text") else read_value(value)


def _change(name: str, settings: DictConfig, mark: str, key: str, value: Any) -> None:
    if mark == "~":
        at, _, last = key.rpartition(".")
        with open_dict(settings):
            if (OmegaConf.select(settings, at) if at else settings).pop(last, None) is None:
                raise ConfigError(no_such_key(name, key))
        return
    if mark == "+" and not isinstance(value, dict | list) and OmegaConf.select(settings, key) is not None:
        raise ConfigError(f"{printable(key)} is a setting already; leave out the + before it")
    try:
        OmegaConf.update(settings, key, value, force_add=mark != "" or may_be_left_out(key))
    except (ConfigAttributeError, ConfigKeyError):
        raise ConfigError(no_such_key(name, key)) from None
