"""Provenance of a run: version and commit of ecgmm, versions of libraries, hardware."""

import os
import platform
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import torch

from ecgmm.runs.facts import Hardware
from ecgmm.runs.reading import Schema
from ecgmm.version import __version__

_PACKAGES = ("torch", "lightning", "hydra-core", "transformers", "torchmetrics", "numpy", "scikit-learn", "wfdb")
_SECONDS = 10


class Environment(Schema):
    """Commit, versions and hardware; ``commit`` is None where ecgmm was installed."""

    commit: str | None
    versions: dict[str, str]
    hardware: Hardware


def environment() -> Environment:
    """Commit, versions and hardware of this process."""
    versions = {name: version(name) for name in _PACKAGES}
    return Environment(
        commit=commit_of(Path(__file__).resolve().parents[1] / "__init__.py"),
        versions={"python": platform.python_version(), "ecgmm": __version__, **versions},
        hardware=Hardware(
            machine=platform.machine(),
            cpu_cores=os.cpu_count(),
            cpu_threads=torch.get_num_threads(),
            gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        ),
    )


def commit_of(package: Path) -> str | None:
    """Commit of the package's own checkout; None where it was installed, whatever repository it was installed into.

    Args:
        package: The package's ``__init__.py``.
    """
    root = package.parents[1]
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
        if project != "ecgmm" or Path(_git(root, "rev-parse", "--show-toplevel")).resolve() != root:
            return None
        _git(root, "ls-files", "--error-unmatch", str(package.relative_to(root)))
        return _git(root, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except (OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    # Inside a git hook these variables point to the repository of the hook.
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(  # noqa: S603 (fixed commands)
        command, capture_output=True, text=True, check=True, env=surroundings, timeout=_SECONDS
    )
    return done.stdout.strip()
