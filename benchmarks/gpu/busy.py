"""How busy the device is in an epoch, what it achieves of its limits, and the time of an epoch of MIMIC-IV-ECG."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu.bench import DTYPES, Bench, Found, Steps, first_batch, moved
from benchmarks.gpu.waits import waiting_calls
from ecgmm.data.batches.loader import BatchLoader
from ecgmm.training.lightning.profile_steps import busy_us
from ecgmm.types import Batch

MIMIC_RECORDS = 800_035
_EPOCH = "an epoch"
_N_BATCHES = 1000


class Traffic(TorchDispatchMode):
    """Bytes that the operations read and write, as if each took its tensors from memory and put them back there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no annotation there
        self.n_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        if not func.is_view:
            leaves = tree_leaves((args, kwargs, given))
            self.n_bytes += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))
        return given


def measure(bench: Bench, ceilings: Found) -> Found:
    """Figures of the paper's method, and of it with ResNet1d-18, for steps over the batches that the loader makes.

    ``busy`` is the device's time in the profiler over the time of the same steps; on a CPU that of the operations.
    """
    encoders = {"paper": "ecg_encoder=conv", "resnet18": "ecg_encoder=resnet18"}
    if bench.small:
        encoders = dict.fromkeys(encoders, "ecg_encoder.channels=[8,16]")
    return {
        f"{name}, {precision}": _figures(bench, override, precision, ceilings)
        for name, override in encoders.items()
        for precision in DTYPES
    }


def _figures(bench: Bench, override: str, precision: str, ceilings: Found) -> Found:
    setup = bench.setup(override)
    setup.datamodule.place(bench.device)
    step = Steps(setup.task_of(setup.fresh_method()), bench.device, precision)
    batch = first_batch(setup, bench.device)
    step(batch)
    with FlopCounterMode(display=False) as flops, Traffic() as traffic:
        step(batch)
    batches = long_epoch(setup.datamodule.train_dataloader())
    step(moved(next(batches), bench.device))

    def epoch() -> None:
        step.begin_epoch()
        with record_function(_EPOCH):
            for one in islice(batches, bench.n_steps):
                step(moved(one, bench.device))

    seconds = bench.seconds(epoch)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if bench.on_gpu else [])]
    with profile(activities=activities) as profiled:
        profiled_s = bench.seconds(epoch)
    events = profiled.events()
    on_cpu_us = sum(event.self_cpu_time_total for event in events if event.name != _EPOCH)
    records_per_s = len(batch.rows) * bench.n_steps / seconds
    return {
        "ms": 1000 * seconds / bench.n_steps,
        "records_per_s": records_per_s,
        "busy": (busy_us(events) if bench.on_gpu else on_cpu_us) / 1e6 / profiled_s,
        "waits": step.waits(islice(batches, bench.n_steps)),
        "waiting_calls": waiting_calls(events, _EPOCH),
        "flops_of_ceiling": flops.get_total_flops() * bench.n_steps / seconds / ceilings[f"{precision}_flops"],
        "bytes_of_ceiling": traffic.n_bytes * bench.n_steps / seconds / ceilings["copy_bytes_per_s"],
        "epoch_of_mimic_s": MIMIC_RECORDS / records_per_s,
    }


def long_epoch(loader: BatchLoader) -> Iterator[Batch]:
    """Batches of an epoch of a thousand and more, as of a large data set: at its end the next batch is waited for."""
    of_epoch, n_epochs = loader.order, _N_BATCHES * loader.batch_size // len(loader.dataset) + 1
    loader.order = lambda _: np.concatenate([of_epoch(epoch) for epoch in range(n_epochs)])
    return iter(loader)
