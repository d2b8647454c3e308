"""Checkpoints that are whole or not there.

Lightning writes them to the system's temporary folder and moves them. Where that is another disk the move is a copy,
and a run killed in its middle leaves half a checkpoint under the final name.
"""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ecgmm.system_errors import naming


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the final place and renames."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Save a checkpoint; a reader sees the old file or the new one."""
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(final.name + ".partial")
        try:
            with naming(final), partial.open("wb") as file:  # torch's own writer would not say what the system said
                torch.save(checkpoint, file)
            partial.replace(final)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
