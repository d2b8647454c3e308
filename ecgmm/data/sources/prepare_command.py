"""The command that makes a store, for messages to a user who lacks it."""

import shlex
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from ecgmm.configuration import options
from ecgmm.data.sources.source import flatten
from ecgmm.settings.composing import compose


def prepare_command(settings: DictConfig) -> str:
    """The command for the configuration group ``data``: its choice, and each setting that differs from that choice."""
    choices = {name: _flat(compose("prepare", [f"data={name}"]).data) for name in options("data")}
    wanted = _flat(settings)
    chosen = next(name for name, usual in choices.items() if usual["_target_"] == wanted["_target_"])
    changed = [
        f"data.{name}={'null' if value is None else value}"
        for name, value in wanted.items()
        if choices[chosen].get(name) != value
    ]
    return shlex.join(["python", "-m", "ecgmm.prepare", f"data={chosen}", *changed])


def _flat(group: DictConfig) -> dict[str, Any]:
    return flatten(cast(dict[str, Any], OmegaConf.to_container(group)))
