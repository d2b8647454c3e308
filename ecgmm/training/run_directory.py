"""The run directory: what a training run leaves behind, and whether it is finished, interrupted or new."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from omegaconf import OmegaConf

from ecgmm.errors import ConfigError
from ecgmm.files import read_json, write_json

SCHEMA_VERSION = 2
_RUN_CURE = "move the folder away, or train with overwrite=true"
_PACKAGES = ("torch", "lightning", "hydra-core", "transformers", "torchmetrics", "numpy", "scikit-learn", "wfdb")
# These say where and how a run is shown, started, fed or saved, not what it computes.
_NOT_COMPUTED = ("paths", "logger", "overwrite", "name", "n_jobs", "prefetch", "checkpoint_minutes", "profile")
# A run may go on with another number of devices: a batch stays the same batch.
_DEVICES = ("devices", "num_nodes", "strategy")

RunState = Literal["new", "interrupted", "finished", "other"]


def config_digest(config: dict[str, Any], fingerprint: str) -> str:
    """SHA-256 of all that decides a run's numbers: its resolved configuration and the store it reads."""
    computed = {key: value for key, value in config.items() if key not in _NOT_COMPUTED}
    computed["data"] = fingerprint  # the store's fingerprint covers every preparation parameter
    computed["trainer"] = {k: v for k, v in config["trainer"].items() if not k.startswith(("enable_", *_DEVICES))}
    return hashlib.sha256(json.dumps(computed, sort_keys=True).encode()).hexdigest()


def run_state(path: Path, digest: str) -> RunState:
    """What stands in a run directory, seen from the run with this ``config_digest``.

    Returns:
        ``finished`` if that run is complete, ``interrupted`` if it was begun, ``other`` if another one is there, else
        ``new``.
    """
    if not (path / "run.json").exists():
        return "new"
    found = read_json(path / "run.json", _RUN_CURE)
    if found["config_digest"] != digest:
        return "other"
    return "finished" if found["finished"] else "interrupted"


def other_run(path: Path) -> ConfigError:
    """What to tell the user whose run finds another one in its directory."""
    return ConfigError(f"{path} holds a run of another configuration or store; move it away or set overwrite=true")


def open_run(path: Path, config: dict[str, Any], facts: dict[str, Any], overwrite: bool) -> RunState:
    """Claim a run directory.

    Args:
        path: The directory.
        config: The resolved configuration, plain Python.
        facts: Content of ``run.json`` that is known before training; holds ``config_digest``.
        overwrite: Delete a run of another configuration that stands there.

    Returns:
        As ``run_state``, but never ``other``.

    Raises:
        ConfigError: If another run stands there and ``overwrite`` is false.
    """
    state = run_state(path, facts["config_digest"])
    if state == "other":
        if not overwrite:
            raise other_run(path)
        _empty(path)
        state = "new"
    if state == "new":
        path.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(OmegaConf.create(config), path / "config.yaml")
        write_json(path / "run.json", {**facts, "finished": False})
    return state


def _empty(path: Path) -> None:
    for part in path.iterdir():  # the folder itself carries the lock of this process
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink()


def environment() -> dict[str, Any]:
    """Commit, versions and hardware, for ``run.json``."""
    return {
        "commit": _commit(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "hardware": {
            "machine": platform.machine(),
            "cpu_cores": os.cpu_count(),
            "cpu_threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
    }


def _commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (fixed command)
    except (OSError, subprocess.CalledProcessError):
        return None  # installed from a wheel
    return result.stdout.strip()
