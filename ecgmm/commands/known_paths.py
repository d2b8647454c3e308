"""Settings of a command that name a path, remembered for messages about files (``ecgmm.console.path_settings``)."""

from contextlib import suppress
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ecgmm.console.path_settings import remember

_SETTINGS = (
    "run",
    "store",
    "record",
    "records",
    "root",
    "sheets",
    "file",
    "out",
    "data.root",
    "data.store",
    "data.table",
    "data.notes_csv",
    "data.patients_csv",
    "data.ptb_xl_csv",
    "data.icd.csv",
    "data.labels_csv",
    "labels.class_map",
    "labels.descriptions",
    "pretrained.name_or_path",
    "classes.map",
    "paths.outputs",
    "paths.stores",
    "paths.raw",
)
_FOLDERS_OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir")  # made of paths.outputs unless the command gives them


class KnowPaths(Callback):
    """Hydra callback that remembers where the settings of this process point, before anything is made there."""

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember the paths: of one run, of a sweep, and of a job of a sweep, which may be in another process."""
        given = config.hydra.overrides.hydra
        folders = [key for key in _FOLDERS_OF_HYDRA if any(text.startswith(f"{key}=") for text in given)]
        places = {}
        for key in (*folders, *_SETTINGS):
            with suppress(OmegaConfBaseException):  # what is missing or mandatory is checked elsewhere
                places[key] = OmegaConf.select(config, key)
        remember({key: place for key, place in places.items() if isinstance(place, str)})

    on_run_start = on_multirun_start = on_job_start
