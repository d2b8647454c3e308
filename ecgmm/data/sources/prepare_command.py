"""The command that makes a store, for messages to a user who lacks it."""

import shlex
from collections.abc import Mapping
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from ecgmm.configuration import options
from ecgmm.data.sources.source import flatten
from ecgmm.data.store.store import PATH_MARK
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


def prepare_command_like(manifest: Mapping[str, Any], rate_hz: float, length_s: float) -> str:
    """The command for a store as another one is, at another rate and length of the window.

    Args:
        manifest: Of the other store.
        rate_hz: Sampling rate.
        length_s: Length of the window.

    Returns:
        The command, with ``...`` where the other store was made from a path, of which it keeps no more than a digest.
        Empty where the other store is of no source that ``conf/data`` has.
    """
    name = manifest["source"]["name"]
    if name not in options("data"):
        return ""
    settings = compose("prepare", [f"data={name}"]).data
    made = {**manifest["parameters"], "rate_hz": round(rate_hz), "window.length_s": length_s}
    for key, value in made.items():
        if OmegaConf.select(settings, key, default=made) is not made:
            OmegaConf.update(settings, key, "..." if str(value).startswith(PATH_MARK) else value)
    return prepare_command(settings)


def _flat(group: DictConfig) -> dict[str, Any]:
    return flatten(cast(dict[str, Any], OmegaConf.to_container(group)))
