"""Settings that paths come from, so that a message about a file names the setting that a user can change."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

_SETTINGS = (
    "run",
    "store",
    "record",
    "file",
    "data.root",
    "data.store",
    "data.notes_csv",
    "data.icd.csv",
    "pretrained.name_or_path",
    "paths.outputs",
    "paths.stores",
    "paths.raw",
)
_FOLDERS_OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir")  # made of paths.outputs unless the command gives them
_known: dict[str, Path] = {}


class KnowPaths(Callback):
    """Hydra callback that records the paths in the settings of this process before anything is written there."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Record those of one run."""
        _remember(config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Record those of a sweep."""
        _remember(config)

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Record those of a job of a sweep, which may run in another process."""
        _remember(config)


def _remember(config: DictConfig) -> None:
    _known.clear()
    given = [
        key for key in _FOLDERS_OF_HYDRA if any(text.startswith(f"{key}=") for text in config.hydra.overrides.hydra)
    ]
    for key in (*given, *_SETTINGS):
        with suppress(Exception):  # a key that is missing, mandatory or no text has no path, and is checked elsewhere
            _known[key] = _absolute(OmegaConf.select(config, key))


def setting_of(path: str | Path) -> str | None:
    """Return the key of the setting closest to a path (the path lies under it, or the reverse), or None."""
    place = _absolute(path)
    return max(_related(place), default=(False, 0, None))[2]


def _related(place: Path) -> Iterator[tuple[bool, int, str | None]]:
    for key, path in _known.items():
        inside = place.is_relative_to(path) or str(place).startswith(f"{path}.")  # or a file of ours beside a folder
        if inside or path.is_relative_to(place):
            yield inside, len(path.parts), key


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()
