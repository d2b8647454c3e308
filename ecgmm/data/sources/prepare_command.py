"""The command that makes a store, for messages to a user who lacks it."""

import shlex
from typing import Any, cast

from omegaconf import DictConfig, ListConfig, OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.sources.source import flatten


def prepare_command(settings: DictConfig) -> str:
    """The command for the configuration group ``data``: its file, and each setting that differs from that file."""
    groups = {file.stem: _flat(OmegaConf.load(file)) for file in sorted((CONF_DIR / "data").glob("*.yaml"))}
    wanted = _flat(settings)
    group = next(name for name, usual in groups.items() if usual["_target_"] == wanted["_target_"])
    changed = [
        f"data.{name}={'null' if value is None else value}"
        for name, value in wanted.items()
        if groups[group].get(name) != value
    ]
    return shlex.join(["python", "-m", "ecgmm.prepare", f"data={group}", *changed])


def _flat(group: DictConfig | ListConfig) -> dict[str, Any]:
    return flatten(cast(dict[str, Any], OmegaConf.to_container(group)))
