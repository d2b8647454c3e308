"""Checkpoints that are whole or not there.

Lightning writes them to the system's temporary folder and moves them. Where that is another disk the move is a copy,
and a run killed in its middle leaves half a checkpoint under the final name.
"""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the final place and renames."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Save a checkpoint; a reader sees the old file or the new one."""
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(final.name + ".partial")
        try:
            torch.save(checkpoint, partial)
            partial.replace(final)
        except BaseException as error:
            refusal = _refusal(partial, final) if isinstance(error, RuntimeError) else None
            partial.unlink(missing_ok=True)
            if refusal is not None:
                raise refusal from error
            raise


def _refusal(partial: Path, final: Path) -> OSError | None:
    """What the system says to more bytes in a file: torch's writer, in C++, tells only that it was refused."""
    try:
        with partial.open("ab") as file:
            file.write(bytes(1 << 20))
    except OSError as error:
        return OSError(error.errno, error.strerror, str(final))
    return None
