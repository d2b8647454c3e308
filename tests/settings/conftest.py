"""Tests of settings compose many times from the same files, and reading those takes most of the time."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf


@pytest.fixture(autouse=True, scope="package")
def _read_once() -> Iterator[None]:
    """Keep what was read of files in memory, for Hydra and for us."""
    load, contents = OmegaConf.load, dict[tuple[str, int], Any]()

    def from_memory(file: Any) -> Any:
        path = Path(file if isinstance(file, Path) else file.name)
        key = (str(path), path.stat().st_mtime_ns)
        if key not in contents:
            contents[key] = load(file)
        return copy.deepcopy(contents[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", from_memory)
        yield
