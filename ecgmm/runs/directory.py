"""The run directory as a whole: whether it is new, interrupted or finished, and how it is begun and finished."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf

from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside, remove_unfinished, write_json, write_whole
from ecgmm.runs.checkpoints import CHECKPOINTS, PRETRAIN, going_on_from
from ecgmm.runs.configuration import CONFIG
from ecgmm.runs.facts import RUN, RunDescription, RunFacts, RunState, read_state, write_description
from ecgmm.runs.history import HISTORY
from ecgmm.runs.metrics import EVALUATIONS, METRICS
from ecgmm.runs.predictions import HELD_OUT, PREDICTIONS
from ecgmm.runs.reading import CURE, changed, written
from ecgmm.runs.saved_model import MODEL, MODEL_FILE, model_is_whole
from ecgmm.settings.disturbances import ROBUSTNESS

FIGURES = "figures"
"""Folder of the pictures of a run."""
PAGE = "report.html"
"""Page of a run, which shows them."""

# These say where and how a run is shown, started, fed or saved, not what it computes.
_NOT_COMPUTED = (
    "paths",
    "logger",
    "overwrite",
    "name",
    "n_jobs",
    "prefetch",
    "checkpoint_minutes",
    "keep_checkpoints",
    "page",
    "profile",
)
# Settings that came later, one within a group as group.key, count where they change something: finished runs of earlier
# versions stay finished.
_IF_CHOSEN: dict[str, Callable[[Any], bool]] = {
    "init": lambda init: False,  # by the content of the weights
    "label_noise": lambda noise: noise is not None and noise["kind"] != "none",
    "held_out": lambda part: part is not None,
    "label_fraction": lambda part: part is not None,
    "measured_split": lambda split: split not in (None, "test"),
    "decayed": lambda which: which not in (None, "all"),
    "task.modalities": lambda which: which != "any",
    "method.pair_weight": lambda weight: weight != 1,
}
# A run may go on with another number of devices: a batch stays the same batch.
_DEVICES = ("devices", "num_nodes", "strategy")
_REMEMBERED = [CONFIG, HISTORY, METRICS, PREDICTIONS, HELD_OUT, f"{MODEL}/{MODEL_FILE}"]
_NEEDED = [CONFIG, METRICS, PREDICTIONS, f"{MODEL}/{MODEL_FILE}"]
_MADE_BY_TRAINING = (CHECKPOINTS, HISTORY, METRICS, PREDICTIONS, HELD_OUT, MODEL)
_RESULTS = (HISTORY, METRICS, PREDICTIONS, HELD_OUT, CHECKPOINTS, MODEL, EVALUATIONS, ROBUSTNESS, FIGURES, PAGE)
_OURS = (RUN, CONFIG, *_RESULTS, "wandb", "tensorboard", "mlflow", "error.log")

Standing = Literal["new", "interrupted", "finished", "other"]
"""Content of a directory, seen from one run: nothing, the run begun or finished, or another run."""


def config_digest(config: dict[str, Any], fingerprint: str, initial: Mapping[str, Any] | None = None) -> str:
    """SHA-256 of all that decides a run's numbers: its resolved configuration, its store and its initial weights.

    Args:
        config: The configuration.
        fingerprint: Of the store.
        initial: What decides the initial weights, by content; None for random ones.
    """
    computed = deepcopy({key: value for key, value in config.items() if key not in _NOT_COMPUTED})
    for name, is_chosen in _IF_CHOSEN.items():
        group, _, key = name.rpartition(".")
        settings = computed[group] if group else computed
        if key in settings and not is_chosen(settings[key]):
            del settings[key]
    computed |= {} if initial is None else {"init": dict(initial)}
    computed["data"] = fingerprint  # the store's fingerprint covers every preparation parameter
    computed["trainer"] = {k: v for k, v in config["trainer"].items() if not k.startswith(("enable_", *_DEVICES))}
    return hashlib.sha256(json.dumps(computed, sort_keys=True).encode()).hexdigest()


def run_state(path: Path, digest: str, overwrite: bool = False) -> Standing:
    """State of a run directory, seen from the run with this ``config_digest``.

    Args:
        path: The directory.
        digest: The run's ``config_digest``.
        overwrite: Whether what is damaged may be thrown away, and so counts as another run.

    Returns:
        ``finished`` if that run is complete, ``interrupted`` if it was begun, ``other`` if another one is there, else
        ``new``.

    Raises:
        DataError: If a file of the run is missing or damaged.
    """
    try:
        state = read_state(path)
        if state is None:
            _check_new(path)
            return "new"
        if state.config_digest != digest:
            return "other"
        if not state.finished:
            return "interrupted"
        check_finished(path, state)
    except DataError:
        if not overwrite:
            raise
        return "other"
    return "finished"


def _check_new(path: Path) -> None:
    """Refuse to begin a run among what another has left: it would go on from checkpoints of other settings."""
    left = [name for name in _MADE_BY_TRAINING if inside(path, name).exists()]
    if left:
        raise DataError(f"{printable(path)} holds {left[0]} of a run and no {RUN}; {CURE}")


def check_finished(path: Path, state: RunState) -> None:
    """Make sure that all files of a finished run are there, and are those that it wrote.

    Raises:
        DataError: Naming the first that is not.
    """
    for name in _REMEMBERED:
        file = inside(path, *name.split("/"))
        known = state.files.get(name)
        if not file.is_file() and (name in _NEEDED or known is not None):
            raise DataError(f"{printable(path)} is a finished run without {name}; {CURE}")
        if known is not None and written(path, [name])[name] != known:
            raise changed(file)
    model_is_whole(inside(path, MODEL))


def other_run(path: Path) -> ConfigError:
    """Error for a run that finds another one in its directory."""
    return ConfigError(f"{path} holds a run of another configuration or store; move it away or set overwrite=true")


def open_run(path: Path, config: dict[str, Any], description: RunDescription, overwrite: bool) -> Standing:
    """Claim a run directory.

    Args:
        path: The directory.
        config: The resolved configuration, plain Python.
        description: What ``run.json`` says before training.
        overwrite: Delete a run of another configuration, or a damaged one, that stands there.

    Returns:
        As ``run_state``, but never ``other``.

    Raises:
        ConfigError: If another run stands there and ``overwrite`` is false.
        DataError: If a damaged one does.
    """
    state = run_state(path, description.config_digest, overwrite)
    if state == "interrupted" and not _can_go_on(path, overwrite):
        state = "other"
    if state == "other":
        if not overwrite:
            raise other_run(path)
        _empty(path)
        state = "new"
    if state == "new":
        path.mkdir(parents=True, exist_ok=True)
        write_whole(path / CONFIG, OmegaConf.to_yaml(OmegaConf.create(without_folders(config))).encode())
        write_description(path, description)
    else:
        remove_unfinished(path)
    return state


def _can_go_on(path: Path, overwrite: bool) -> bool:
    try:
        for stage in ((PRETRAIN,), ()):
            going_on_from(path, *stage)
    except DataError:
        if not overwrite:
            raise
        return False
    return True


def finish_run(path: Path, facts: RunFacts, keep_checkpoints: bool) -> None:
    """Write the final ``run.json``, which remembers the other files, and remove what a finished run needs no more."""
    write_json(path / RUN, facts.model_copy(update={"files": written(path, _REMEMBERED)}).plain())
    if not keep_checkpoints:
        shutil.rmtree(inside(path, CHECKPOINTS), ignore_errors=True)  # a closed form has none


def _empty(path: Path) -> None:
    for name in _OURS:  # what else is there is not a run's; the folder itself carries the lock of this process
        part = path / name
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def without_folders(value: Any) -> Any:
    """Settings in which a folder (of a tree, of a pre-trained model) is only its last part."""
    if isinstance(value, dict):
        return {name: without_folders(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_folders(part) for part in value]
    if not isinstance(value, str) or "/" not in value:
        return value
    path = Path(value).expanduser()
    return path.name if path.is_absolute() or _exists(path) else value


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False
