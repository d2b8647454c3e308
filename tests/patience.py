"""Waiting for other processes: a machine that is slow or busy is no mistake, one that hangs is."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

HUNG_S = 600.0


@contextmanager
def process_of(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A command's process, killed where it outlives the test; ``Popen`` would wait for its end, also after a fault."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()
