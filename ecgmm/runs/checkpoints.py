"""Checkpoints of a run: which of them are sound, and from which an interrupted training goes on."""

import logging
import zipfile
from pathlib import Path
from typing import Any

import torch

from ecgmm.errors import DataError, printable
from ecgmm.files import inside, open_regular
from ecgmm.runs.reading import refused

log = logging.getLogger(__name__)

CHECKPOINTS, PRETRAIN = "checkpoints", "pretrain"
LAST, BEST = "last.ckpt", "best.ckpt"
_CURE = "put the file back, or train from the beginning with overwrite=true"
_KEYS = frozenset({"epoch", "global_step", "state_dict", "loops", "callbacks", "optimizer_states", "lr_schedulers"})


def going_on_from(directory: Path, *stage: str) -> Path | None:
    """The checkpoint from which the training of a stage goes on; None where it was not begun.

    That is the last one. Where it is damaged, the best one: the epochs behind it are trained again, and come out the
    same.

    Args:
        directory: The run directory.
        stage: ``pretrain``, or nothing for the last stage.

    Raises:
        DataError: If none is sound, or the weights of the best epoch so far are lost.
    """
    last, best = (inside(directory, CHECKPOINTS, *stage, name) for name in (LAST, BEST))
    if not last.exists() and not best.exists():
        return None
    if is_sound(last):
        if not is_sound(best) and _has_best(last):
            raise DataError(f"{printable(best)}, the best epoch so far, is missing or damaged; {_CURE}")
        return last
    if is_sound(best):
        log.warning("%s is missing or damaged; going on from the best epoch", printable(last))
        return best
    raise DataError(f"{printable(last)} is damaged; {_CURE}")


def is_sound(path: Path) -> bool:
    """Whether a checkpoint is there and whole.

    Raises:
        DataError: If it is there and cannot be read.
    """
    return _content(path) is not None


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Content of a checkpoint, tensors on the CPU; nothing in it is run.

    Raises:
        DataError: If it is missing, damaged, or no checkpoint of a run.
    """
    content = _content(path)
    if content is None:
        raise DataError(f"{printable(path)} is missing or damaged, or no checkpoint of a run; {_CURE}")
    return content


def _content(path: Path) -> dict[str, Any] | None:
    """Content of a checkpoint; None if it is not what a run wrote."""
    if not path.exists():
        return None
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as parts:
            whole = parts.testzip() is None  # the format holds a checksum of each part, which torch does not look at
        content = torch.load(path, map_location="cpu", weights_only=True) if whole else None
    except DataError:
        raise
    except OSError as error:
        raise refused(path, error) from None
    except Exception:  # a flipped bit, or a pickle from others, makes zipfile and torch raise nearly anything
        return None
    if not isinstance(content, dict) or not content.keys() >= _KEYS or not isinstance(content["callbacks"], dict):
        return None
    return content


def not_of_this_run(path: Path) -> DataError:
    """Error for a checkpoint that does not fit the run."""
    return DataError(f"{printable(path)} is not of this run; {_CURE}")


def _has_best(last: Path) -> bool:
    """Whether a best epoch had been saved when the last checkpoint was."""
    states = read_checkpoint(last)["callbacks"].values()
    return any(Path(str(one.get("best_model_path"))).name == BEST for one in states if isinstance(one, dict))
