"""Read what W&B wrote on this machine: its stream of records, and every file of a run."""

from pathlib import Path
from typing import Any

_BLOCK, _HEADER = 32768, 7
_FULL, _FIRST, _LAST = 1, 2, 4


def records(folder: Path) -> list[Any]:
    """The decoded records of the one ``.wandb`` file below a folder.

    The file is a LevelDB log behind a header of 7 bytes: blocks of 32 KiB with pieces of records, each behind 4 bytes
    of checksum, 2 of length and 1 of kind.
    """
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.rglob("*.wandb")
    data, position, found, whole = path.read_bytes(), _HEADER, [], b""
    while position + _HEADER <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _HEADER:
            position += left
            continue
        length, kind = int.from_bytes(data[position + 4 : position + 6], "little"), data[position + 6]
        piece = data[position + _HEADER : position + _HEADER + length]
        whole = piece if kind in (_FULL, _FIRST) else whole + piece
        position += _HEADER + length
        if kind in (_FULL, _LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            found.append(record)
    return found


def key_of(item: Any) -> str:
    """Name of a history, summary or configuration item; nested names are joined by dots."""
    return item.key or ".".join(item.nested_key)
