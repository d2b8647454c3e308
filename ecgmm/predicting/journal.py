"""Rows that are finished, beside the table that they will be: a command that was killed goes on behind them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ecgmm.console.system_errors import naming
from ecgmm.errors import DataError, printable
from ecgmm.predicting.table import Row


class Journal:
    """File of rows, a line for each part of the work, for its owner's eyes alone; use as a context manager.

    Args:
        out: The table that will be written; the journal is ``<out>.unfinished``.
        key: Digest of all that decides the rows. A journal of another key is begun anew.

    Attributes:
        parts: Rows of the finished parts, in order.

    Raises:
        DataError: If something else is at its place.
    """

    def __init__(self, out: Path, key: str) -> None:
        self.path = out.with_name(f"{out.name}.unfinished")
        with naming(self.path):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self.path, flags, 0o600), "r+b")
        lines = self._file.read().splitlines(keepends=True)
        head = json.dumps({"key": key}).encode() + b"\n"
        if lines and not lines[0].startswith(b'{"key": '):
            self._file.close()
            raise DataError(f"{printable(self.path)} is no journal of predictions; move it away")
        whole = [line for line in lines if line.endswith(b"\n")] if lines[:1] == [head] else []
        self.parts: list[list[Row]] = [json.loads(line) for line in whole[1:]]
        self._file.seek(sum(map(len, whole)))
        self._file.truncate()
        if not whole:
            self._file.write(head)
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, rows: Sequence[Row]) -> None:
        """Keep the rows of a part."""
        with naming(self.path):
            self._file.write(json.dumps(list(rows), allow_nan=False).encode() + b"\n")
            self._file.flush()
        self.parts.append(list(rows))

    def remove(self) -> None:
        """Remove the file: the table is written."""
        self.path.unlink()
