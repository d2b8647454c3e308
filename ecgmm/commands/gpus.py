"""GPUs of this machine for the jobs of a sweep, found without torch, which the process that starts them never needs."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"
_WITHOUT_GPUS = 2  # jobs at a time: a small model leaves a core idle now and then


def gpus_of(trainer: Mapping[str, Any]) -> list[str]:
    """GPUs that the jobs of a sweep may be spread over, as ``CUDA_VISIBLE_DEVICES`` names them.

    Args:
        trainer: The setting ``trainer``. On a CPU, or with a GPU that is told (``devices=[1]``), there is none.
    """
    if trainer.get("accelerator") not in ("gpu", "auto") or not isinstance(trainer.get("devices", 1), int | str):
        return []
    if VISIBLE not in os.environ:
        return _all_gpus()
    names = [name.strip() for name in os.environ[VISIBLE].split(",")]
    return names[: next((place for place, name in enumerate(names) if name in ("", "-1")), None)]


def _all_gpus() -> list[str]:
    """Identifiers of NVIDIA's driver: its numbers may be in another order than CUDA's."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = subprocess.run(  # noqa: S603 (a fixed command)
        [program, "--query-gpu=uuid", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return asked.stdout.split() if asked.returncode == 0 else []


def jobs_at_once(n_jobs: int | None, gpus: Sequence[str]) -> int:
    """How many jobs run side by side: ``n_jobs``, or where it is None one a GPU, and two without GPUs."""
    return n_jobs or len(gpus) or _WITHOUT_GPUS


def least_used(gpus: Sequence[str], in_use: Iterable[str | None]) -> str | None:
    """GPU of the next worker: of those with the fewest workers the first; None where there are no GPUs."""
    taken = list(in_use)
    return min(gpus, key=taken.count, default=None)


@contextmanager
def seeing_only(gpu: str | None) -> Iterator[None]:
    """Context in which processes that are started see this GPU alone; None leaves them what there is."""
    before = os.environ.get(VISIBLE)
    if gpu is not None:
        os.environ[VISIBLE] = gpu
    try:
        yield
    finally:
        if gpu is not None:
            os.environ.pop(VISIBLE)
            os.environ.update({} if before is None else {VISIBLE: before})
