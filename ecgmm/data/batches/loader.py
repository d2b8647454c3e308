"""Loader of batches in an order that seed and epoch alone decide, from any step on, in one or several processes."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import starmap
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed

from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.streams import Purpose, stream_seed
from ecgmm.types import Batch

SAMPLINGS = ("uniform", "balanced")
Order = Callable[[int], NDArray[np.int64]]
"""Positions in the data set, in the order of an epoch, from the epoch's number."""


def in_place(n: int) -> Order:
    """Order of every epoch: the data set's own."""
    return lambda epoch: np.arange(n)


def shuffled(n: int, seed: int) -> Order:
    """Order with every record once per epoch, as torch's ``DistributedSampler`` has it for the seed of the epoch."""
    return lambda epoch: torch.randperm(n, generator=_generator(seed, epoch)).numpy()


def balanced(targets: NDArray[Any], seed: int) -> Order:
    """Order with as many draws per epoch as there are records, evenly from all classes.

    A draw takes a class, then one of its records. The draws are systematic, so that no epoch is unbalanced by chance:
    each class of a single-label task gets its share of them, and a record whose expected number is 2.3 comes two or
    three times.

    Args:
        targets: int64 ``[n]`` class numbers or float ``[n, K]``, above 0 where a record has the class.
        seed: Seed of the draws.
    """
    n = len(targets)
    present = targets > 0 if targets.ndim == 2 else targets[:, None] == np.unique(targets)
    shares = present / np.maximum(present.sum(axis=0), 1)
    expected = shares.sum(axis=1) * (n / shares.sum())
    rarest_class = shares.argmax(axis=1)

    def order(epoch: int) -> NDArray[np.int64]:
        generator = _generator(seed, epoch)
        records = torch.randperm(n, generator=generator).numpy()
        records = records[np.argsort(rarest_class[records], kind="stable")]
        borders = np.cumsum(expected[records])
        offset = torch.rand((), generator=generator, dtype=torch.float64).item()
        drawn = records[np.searchsorted(borders[:-1], np.arange(n) + offset, side="right")]
        mixed: NDArray[np.int64] = drawn[torch.randperm(n, generator=generator).numpy()]
        return mixed

    return order


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(stream_seed(Purpose.ORDER, seed, epoch))


def rank_and_world_size() -> tuple[int, int]:
    """Number of this process among those that train together, and how many they are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def own_share(n_records: int) -> slice:
    """Records of a batch that are this process's; the first one stands in where none is left for it."""
    rank, world_size = rank_and_world_size()
    return slice(rank, None, world_size) if rank < n_records else slice(1)


class BatchLoader:
    """Iterable over the batches of an epoch; Lightning saves and restores its position.

    Several processes that train together go through the same batches. Each gets the waveforms of every n-th record of a
    batch and all the rest of the whole batch, which is small.

    Args:
        dataset: Makes the batches.
        batch_size: Records in a batch, of all processes together.
        order: See ``Order``.
        prefetch: Batches that a thread makes ahead; 0 makes a batch when it is asked for.
    """

    batch_sampler = None  # Lightning asks for it where there is a sampler

    def __init__(self, dataset: RecordDataset, batch_size: int, order: Order, prefetch: int = 0) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.order = order
        self.prefetch = prefetch
        self._epoch, self._step, self._first_step = 0, 0, 0

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def first(self) -> Batch:
        """First batch of an epoch."""
        return next(iter(self))

    def __iter__(self) -> Iterator[Batch]:
        # Nothing happens before the first batch is asked for: Lightning makes iterators that it never uses.
        first, self._first_step = self._first_step, 0
        self._step = first
        positions = self.order(self._epoch)
        steps = range(first * self.batch_size, len(positions), self.batch_size)
        parts = (positions[start : start + self.batch_size] for start in steps)
        shared = ((part, own_share(len(part))) for part in parts)
        for batch in (
            _ahead(self.dataset, shared, self.prefetch) if self.prefetch else starmap(self.dataset.batch, shared)
        ):
            self._step += 1
            yield batch

    @property
    def sampler(self) -> "BatchLoader":
        """The loader itself: Lightning tells ``loader.sampler`` the number of each epoch."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; a restored one continues at its step."""
        if epoch != self._epoch:
            self._epoch, self._first_step = epoch, 0

    def state_dict(self) -> dict[str, int]:
        """Position: the epoch, and the number of its batches that were handed out."""
        return {"epoch": self._epoch, "step": self._step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue the next iteration at a saved position."""
        self._epoch, self._first_step = state["epoch"], state["step"]


def _ahead(dataset: RecordDataset, shared: Iterator[tuple[NDArray[np.int64], slice]], n_ahead: int) -> Iterator[Batch]:
    """Batches in order, the next ``n_ahead`` made by a thread while one is used.

    One thread: it tells the disk a whole batch at once, and more threads take cores from training
    (docs/understand/batches.md).
    """
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
    making: deque[Future[Batch]] = deque()
    try:
        for part, share in shared:
            making.append(pool.submit(dataset.announced_batch, part, share))
            if len(making) > n_ahead:
                yield making.popleft().result()
        while making:
            yield making.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
