"""Functions that settings may call, as in ``${run_name:...}``."""

import hashlib
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from omegaconf import OmegaConf

from ecgmm.errors import ConfigError

_LONGEST_NAME = 120
# Keys of places and of presentation: runs that differ in these only are the same run.
_NOT_IN_NAME = (
    "experiment",
    "paths.",
    "data.root",
    "hydra.",
    "hydra/",
    "overwrite",
    "name",
    "n_jobs",
    "logger",
    "page",
    "trainer.enable_",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.strategy",
)


def run_name(overrides: Sequence[str]) -> str:
    """Name the folder of a run after its overrides, sorted by key; ``default`` if there are none.

    Args:
        overrides: Hydra's task overrides, such as ``["method=concat", "+experiment=table2"]``.

    Returns:
        A name that is safe as one path component; long names are cut and end in a digest of the whole name.
    """
    last = {text.lstrip("+~").partition("=")[0]: text.lstrip("+~") for text in overrides}  # Hydra takes the last
    kept = sorted(text for text in last.values() if not text.startswith(_NOT_IN_NAME))
    kept = [re.sub(r"=[\"']?[/~][^,]*/", "=", text) for text in kept]  # names must not tell the folders of a machine
    name = re.sub(r"[^\w.,=+\-@]", "-", ",".join(kept))
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name or "default"


def package_folder(package: str, folder: str, extra: str) -> str:
    """Locate a folder inside an installed Python package without importing the package.

    Args:
        package: Import name of the package.
        folder: Path inside it.
        extra: Extra of ecgmm that installs the package.

    Raises:
        ConfigError: If the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ConfigError(f"the package {package} is not installed; run pip install 'ecgmm[{extra}]'")
    return str(Path(spec.origin).with_name(folder))


def register_resolvers() -> None:
    """Make the functions known to OmegaConf in this process."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    OmegaConf.register_new_resolver("package_folder", package_folder, replace=True)
