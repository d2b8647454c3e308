"""Composition of a command's settings from ``conf/`` in a process that never imports Hydra.

The rules are Hydra's (https://hydra.cc/docs/advanced/defaults_list): a file's defaults list names the files that come
before and after its own content, what comes later wins, and the choice of a group on the command line goes before an
``override`` in a file, that of an outer file before that of an inner one. ``tests/settings`` compares the two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError

from ecgmm.configuration import CONF_DIR, options
from ecgmm.errors import ConfigError, printable
from ecgmm.settings.lookup import form_of, may_be_left_out
from ecgmm.settings.unknown import no_such_choice, no_such_key
from ecgmm.settings.values import read_value, text_value

_OVERRIDE = re.compile(r"(?P<mark>\+\+?|~|)(?P<key>[^=+~]+)(?P<value>=.*)?", re.DOTALL)
_HEADER = re.compile(r"# @package (\S+)")


def compose(name: str, overrides: Sequence[str] = ()) -> DictConfig:
    """Put the settings of a command together.

    Args:
        name: The command: ``train``, ``prepare``, ``evaluate``, ``predict``, ``audit``, ``verify`` or ``download``.
        overrides: As on the command line: ``method=concat`` chooses a file of a group, ``+ablation=cosine`` adds one,
            ``optimizer.lr=1e-3`` sets a value; paths and texts are taken as they are written.

    Returns:
        The settings, interpolations unresolved, not yet checked (``ecgmm.settings.checked``); keys cannot be added.

    Raises:
        ConfigError: If a group, a choice or a key does not exist, a value cannot be read, or a sweep is asked for.
    """
    choices, added, changes = _Choices(), [], []
    for text in overrides:
        mark, key, value = _split(text)
        group, _, package = key.partition("@")
        if not (CONF_DIR / group).is_dir() or isinstance(value, dict):
            changes.append((mark, key, value))
        elif mark == "~":
            choices.chosen[key] = None
        elif not isinstance(value, str):
            raise ConfigError(no_such_choice(group, text.partition("=")[2], options(group)))
        elif mark:
            added.append(_Default(group, value, package or None))
        else:
            choices.chosen[key] = value
    config = OmegaConf.create()
    for part in _parts(_File("", name, ""), choices, added):
        config.merge_with(part)
    for key in choices.chosen.keys() - choices.used:
        raise ConfigError(no_such_key(key, is_group=True))
    OmegaConf.set_struct(config, True)
    for mark, key, value in changes:
        _change(config, mark, key, value)
    return config


@dataclass
class _Choices:
    """Choices of groups that differ from those in the defaults lists; None leaves a group out.

    Attributes:
        chosen: By group, or ``group@package`` where the content goes to another package than the group's name.
        used: Groups that were met.
    """

    chosen: dict[str, str | None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Default:
    """One line of a defaults list: ``group: choice``, ``group@package: choice``, or a file, which nothing overrides."""

    group: str
    choice: str
    package: str | None = None
    is_file: bool = False
    overrides: bool = False

    def within(self, file: "_File") -> "_File":
        """The file that it names, looked at from the file that holds the list."""
        is_absolute = self.group.startswith("/")
        own = self.group.strip("/")
        group = own if is_absolute else "/".join(filter(None, (file.group, own)))
        package = own.replace("/", ".") if self.package is None else self.package
        return _File(group, self.choice, _joined(file.package, package), is_placed=self.package is not None)


@dataclass(frozen=True)
class _File:
    """A file of ``conf/`` and the place of its content among the settings.

    Attributes:
        group: Folder.
        choice: Name without ending.
        package: Key below which the content goes; empty for the outermost.
        is_placed: Whether a defaults list says the package; otherwise a first line ``# @package`` of the file does.
    """

    group: str
    choice: str
    package: str
    is_placed: bool = False

    @property
    def key(self) -> str:
        """What the group is called where it is chosen."""
        return (
            self.group if self.package == self.group.replace("/", ".") else f"{self.group}@{self.package or '_global_'}"
        )


def _parts(file: _File, choices: _Choices, added: Sequence[_Default] = ()) -> list[DictConfig]:
    """The contents of a file and of those that its defaults list names, in the order in which they are merged."""
    path = CONF_DIR / file.group / f"{file.choice}.yaml"
    if not path.is_file():
        raise ConfigError(no_such_choice(file.group, file.choice, options(file.group)))
    content = OmegaConf.load(path)
    assert isinstance(content, DictConfig)
    _refuse_sweep(content.pop("hydra", {}), path)
    lines = [_default(line) for line in content.pop("defaults", [])]
    if (header := _HEADER.match(path.read_text(encoding="utf-8"))) and not file.is_placed:
        file = replace(file, package=_joined("", header[1]))
    for line in lines:
        if line is not None and line.overrides and not line.group.strip("/").startswith("hydra/"):
            choices.chosen.setdefault(line.within(file).key, line.choice)
    named = [line for line in lines if line is None or not line.overrides]
    parts: list[DictConfig] = []
    # Backwards, so that what a later file overrides is known where an earlier one is read; None is the file itself.
    for line in reversed([*named, *([] if None in named else [None]), *added]):
        parts = ([_embedded(content, file.package)] if line is None else _chosen(line, file, choices)) + parts
    return parts


def _chosen(line: _Default, file: _File, choices: _Choices) -> list[DictConfig]:
    named = line.within(file)
    if line.is_file:
        return _parts(named, choices)
    if named.key in choices.used:
        raise ConfigError(f"{named.key} has a choice already; leave out the + before it")
    choices.used.add(named.key)
    choice = choices.chosen.get(named.key, named.choice)
    return [] if choice is None else _parts(replace(named, choice=choice), choices)


def _default(line: Any) -> _Default | None:
    """One line of a defaults list; None for ``_self_``."""
    if line == "_self_":
        return None
    if isinstance(line, str):
        path, _, package = line.partition("@")
        group, _, choice = path.rpartition("/")
        return _Default(group, choice, package or None, is_file=True)
    ((written, choice),) = line.items()
    overrides, _, name = written.rpartition(" ")
    group, _, package = name.partition("@")
    return _Default(group, choice, package or None, overrides=overrides == "override")


def _joined(outer: str, package: str) -> str:
    """A package below another one; ``_global_`` begins anew, ``_here_`` is the other one."""
    if package.partition(".")[0] == "_global_":
        return package.partition(".")[2]
    return ".".join(filter(None, (outer, package.replace("_here_", ""))))


def _embedded(content: DictConfig, package: str) -> DictConfig:
    if not package:
        return content
    config = OmegaConf.create()
    OmegaConf.update(config, package, content, merge=False)
    return config


def _refuse_sweep(hydra: Mapping[str, Any], path: Path) -> None:
    if hydra.get("mode") == "MULTIRUN":
        raise ConfigError(f"+{path.parent.name}={path.stem} is a sweep; start it with python -m ecgmm.train")


def _split(text: str) -> tuple[str, str, Any]:
    """Mark, key and value of an override."""
    parts = _OVERRIDE.fullmatch(text)
    if parts is None or (parts["value"] is None and parts["mark"] != "~"):
        raise ConfigError(f"cannot read {printable(text)!r}; settings are written key=value, such as seed=1")
    key, value, form = parts["key"], (parts["value"] or "=null")[1:], form_of(parts["key"])
    return (
        parts["mark"],
        key,
        text_value(value, is_path=form == "path") if form in ("path", "text") else read_value(value),
    )


def _change(composed: DictConfig, mark: str, key: str, value: Any) -> None:
    if mark == "~":
        with open_dict(composed):
            at, _, last = key.rpartition(".")
            if (OmegaConf.select(composed, at) if at else composed).pop(last, None) is None:
                raise ConfigError(no_such_key(key))
        return
    if mark == "+" and not isinstance(value, dict | list) and OmegaConf.select(composed, key) is not None:
        raise ConfigError(f"{printable(key)} is a setting already; leave out the + before it")
    try:
        OmegaConf.update(composed, key, value, force_add=mark != "" or may_be_left_out(key))
    except (ConfigAttributeError, ConfigKeyError):
        raise ConfigError(no_such_key(key)) from None
