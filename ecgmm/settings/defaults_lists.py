"""Files of ``conf/`` that make the settings of a command, in the order in which they are merged.

The rules are Hydra's (https://hydra.cc/docs/advanced/defaults_list): a file's defaults list names the files that come
before and after its own content, what comes later wins, and the choice of a group on the command line goes before an
``override`` in a file, that of an outer file before that of an inner one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ecgmm.configuration import CONF_DIR, options
from ecgmm.errors import ConfigError
from ecgmm.settings.unknown import no_such_choice

_HEADER = re.compile(r"# @package (\S+)")


@dataclass
class Choices:
    """Choices of groups, by group, or ``group@package`` where the content goes to another package than its name.

    Attributes:
        wanted: Those that differ from the defaults lists; None leaves a group out.
        made: All that were met, with the choice that was taken.
    """

    wanted: dict[str, str | None] = field(default_factory=dict)
    made: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A file's own content.

    Attributes:
        path: The file.
        package: Dotted key below which the content stands; empty for the outermost.
        content: Without its defaults list.
    """

    path: Path
    package: str
    content: DictConfig

    def embedded(self) -> DictConfig:
        """The content in its place among the settings."""
        if not self.package:
            return self.content
        config = OmegaConf.create()
        OmegaConf.update(config, self.package, self.content, merge=False)
        return config


@dataclass(frozen=True)
class Default:
    """One line of a defaults list: ``group: choice``, ``group@package: choice``, or a file, which nothing overrides."""

    group: str
    choice: str
    package: str | None = None
    is_file: bool = False
    overrides: bool = False

    def within(self, file: "_File") -> "_File":
        """The file that it names, looked at from the file that holds the list."""
        own = self.group.strip("/")
        group = own if self.group.startswith("/") else "/".join(filter(None, (file.group, own)))
        package = own.replace("/", ".") if self.package is None else self.package
        return _File(group, self.choice, _joined(file.package, package), is_placed=self.package is not None)


@dataclass(frozen=True)
class _File:
    """A file of ``conf/`` and its package.

    Attributes:
        group: Folder.
        choice: Name without ending.
        package: As for ``Part``.
        is_placed: Whether a defaults list says the package; otherwise a first line ``# @package`` of the file does.
    """

    group: str
    choice: str
    package: str
    is_placed: bool = False

    @property
    def key(self) -> str:
        """What the group is called where it is chosen."""
        same = self.package == self.group.replace("/", ".")
        return self.group if same else f"{self.group}@{self.package or '_global_'}"


def parts_of(command: str, choices: Choices, added: Sequence[Default] = ()) -> list[Part]:
    """The parts of a command's settings.

    Args:
        command: Name of a file of ``conf/``.
        choices: Filled with what was chosen.
        added: Groups beside those of the command's defaults list.

    Raises:
        ConfigError: If a file does not exist, or a group is added that is there already.
    """
    return _parts(_File("", command, ""), choices, added)


def _parts(file: _File, choices: Choices, added: Sequence[Default] = ()) -> list[Part]:
    path = CONF_DIR / file.group / f"{file.choice}.yaml"
    content = OmegaConf.load(path)
    assert isinstance(content, DictConfig)
    lines = [_default(line) for line in content.pop("defaults", [])]
    if (header := _HEADER.match(path.read_text(encoding="utf-8"))) and not file.is_placed:
        file = replace(file, package=_joined("", header[1]))
    for line in lines:
        if line is not None and line.overrides and not line.group.strip("/").startswith("hydra/"):
            choices.wanted.setdefault(line.within(file).key, line.choice)
    named = [line for line in lines if line is None or not line.overrides]
    parts: list[Part] = []
    # Backwards, so that what a later file overrides is known where an earlier one is read; None is the file itself.
    for line in reversed([*named, *([] if None in named else [None]), *added]):
        parts = (
            [Part(path, file.package, content)] if line is None else _chosen(line.within(file), line, choices)
        ) + parts
    return parts


def _chosen(file: _File, line: Default, choices: Choices) -> list[Part]:
    if line.is_file:
        return _parts(file, choices)
    if file.key in choices.made:
        raise ConfigError(f"{file.key} has a choice already; leave out the + before it")
    choice = choices.made[file.key] = choices.wanted.get(file.key, file.choice)
    if choice is None:
        return []
    if choice not in options(file.group):
        raise ConfigError(no_such_choice(file.group, choice, options(file.group)))
    return _parts(replace(file, choice=choice), choices)


def _default(line: Any) -> Default | None:
    """One line of a defaults list; None for ``_self_``."""
    if line == "_self_":
        return None
    if isinstance(line, str):
        path, _, package = line.partition("@")
        group, _, choice = path.rpartition("/")
        return Default(group, choice, package or None, is_file=True)
    ((written, choice),) = line.items()
    overrides, _, name = written.rpartition(" ")
    group, _, package = name.partition("@")
    return Default(group, choice, package or None, overrides=overrides == "override")


def _joined(outer: str, package: str) -> str:
    """A package below another one; ``_global_`` begins anew, ``_here_`` is the other one."""
    if package.partition(".")[0] == "_global_":
        return package.partition(".")[2]
    return ".".join(filter(None, (outer, package.replace("_here_", ""))))
