"""Checkpoints that are written whole or not at all, and that can be moved with their run.

Lightning writes them to the system's temporary folder and moves them. Where that is another disk the move is a copy,
and a run killed in its middle leaves half a checkpoint under the final name. And it remembers the best epoch by an
absolute path, so that it forgets it where the run was moved.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ecgmm.files import whole_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writing of checkpoints beside their final place, and renaming."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Save a checkpoint; a reader sees the old file or the new one."""
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        with whole_path(final) as partial:
            partial.touch(exist_ok=False)
            try:
                torch.save(checkpoint, partial)
            except RuntimeError as error:
                refusal = _refusal(partial, final)
                if refusal is not None:
                    raise refusal from error
                raise


class MovableCheckpoint(ModelCheckpoint):
    """Checkpointing that remembers files by their names in its own folder, and the epoch of the best one."""

    best_epoch: int | None = None

    @cached_property  # Lightning asks for it before each hook of a step
    def state_key(self) -> str:
        """Key of ``ModelCheckpoint``, so that runs from before this class can be resumed."""
        return super().state_key.replace("MovableCheckpoint", "ModelCheckpoint", 1)

    def state_dict(self) -> dict[str, Any]:
        """State for the checkpoint."""
        state = super().state_dict()
        named = {name: Path(state[name]).name for name in _PATHS if state[name]}
        scores = {Path(path).name: score for path, score in state["best_k_models"].items()}
        return {**state, **named, "best_k_models": scores, "dirpath": "", "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """State of the checkpoint, whatever folder it was saved in."""
        here = Path(str(self.dirpath))
        named = {name: str(here / Path(state_dict[name]).name) for name in _PATHS if state_dict[name]}
        scores = {str(here / Path(path).name): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **named, "best_k_models": scores, "dirpath": self.dirpath})
        self.best_epoch = state_dict.get("best_epoch")

    def _save_checkpoint(self, trainer: Any, filepath: str) -> None:
        if filepath == self.best_model_path:
            self.best_epoch = trainer.current_epoch
        super()._save_checkpoint(trainer, filepath)


_PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")


def _refusal(partial: Path, final: Path) -> OSError | None:
    """The system's error for more bytes in a file: torch's writer, in C++, tells only that it was refused."""
    try:
        with partial.open("ab") as file:
            file.write(bytes(1 << 20))
    except OSError as error:
        return OSError(error.errno, error.strerror, str(final))
    return None
