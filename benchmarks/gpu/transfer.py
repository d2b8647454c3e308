"""Ways of int16 waveforms to the device: pageable memory, pinned memory, and held there (``data.residency=gpu``)."""

from functools import partial
from itertools import islice

import torch

from benchmarks.gpu.bench import Bench, Found, moved
from ecgmm.data.batches.loader import BatchLoader
from ecgmm.data.batches.residency import DeviceWaveforms, HostWaveforms, Waveforms
from ecgmm.training.build import Setup


def measure(bench: Bench) -> Found:
    """Bytes a second of one transfer, and records a second of whole batches by each way; the batches are compared.

    On a CPU nothing can be pinned, and the device that holds waveforms is its memory.
    """
    setup = bench.papers
    batch = setup.datamodule.train_dataloader().first().waveforms
    found: Found = {"pageable_bytes_per_s": batch.nbytes / bench.seconds(lambda: batch.to(bench.device), bench.n_steps)}
    if bench.on_gpu:
        pinned = batch.pin_memory()
        seconds = bench.seconds(lambda: pinned.to(bench.device, non_blocking=True), bench.n_steps)
        found["pinned_bytes_per_s"] = pinned.nbytes / seconds
    store = setup.datamodule.store.waveforms
    places: dict[str, Waveforms] = {
        "pageable": HostWaveforms(store),
        "pinned": HostWaveforms(store, pinned=bench.on_gpu),
        "held": DeviceWaveforms(store, setup.datamodule.rows["train"], bench.device),
    }
    first = {}
    for name, waveforms in places.items():
        loader = loader_of(setup, waveforms)
        first[name] = loader.first().waveforms.cpu()
        n_batches = min(bench.n_steps, len(loader))
        seconds = bench.seconds(partial(_through, loader, n_batches, bench.device))
        found[f"{name}_records_per_s"] = n_batches * loader.batch_size / seconds
    assert all(torch.equal(waveforms, first["pageable"]) for waveforms in first.values()), "batches differ"
    return found


def loader_of(setup: Setup, waveforms: Waveforms) -> BatchLoader:
    """Loader of the training records whose waveforms lie at a place."""
    setup.datamodule.waveforms = waveforms
    return setup.datamodule.train_dataloader()


def _through(loader: BatchLoader, n_batches: int, device: torch.device) -> None:
    for batch in islice(loader, n_batches):
        moved(batch, device)
