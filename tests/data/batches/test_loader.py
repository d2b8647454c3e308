"""Order, resumption, sharing between processes and fetching ahead, on records that are known by their row."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import distributed
from torch.multiprocessing.spawn import spawn
from torch.utils.data import DistributedSampler

from ecgmm.data.batches import loader as loader_module
from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.data.batches.loader import BatchLoader, Order, balanced, in_place, shuffled
from ecgmm.data.batches.residency import HostWaveforms
from ecgmm.streams import Purpose, stream_seed
from ecgmm.types import INTERVALS

FIRST_ROW = 100


def make_loader(n: int, batch_size: int, order: Order, prefetch: int = 0) -> BatchLoader:
    """Record i is row 100 + i of its store."""
    n_rows = FIRST_ROW + n
    empty = np.zeros((1, 1), dtype=np.int32)
    dataset = RecordDataset(
        HostWaveforms(np.arange(n_rows, dtype=np.int16)[:, None, None].repeat(12, axis=1)),
        np.arange(FIRST_ROW, n_rows),
        np.ones(n_rows, dtype=bool),
        np.full(n_rows, -1),
        empty,
        empty[0],
        empty,
        np.zeros(n_rows, dtype=np.int64),
        np.zeros((n_rows, len(INTERVALS)), dtype=np.float32),
    )
    return BatchLoader(dataset, batch_size, order, prefetch)


def rows_of(batches: Any) -> list[list[int]]:
    return [(batch.rows - FIRST_ROW).tolist() for batch in batches]


def flat(loader: BatchLoader) -> list[int]:
    return [row for batch in rows_of(loader) for row in batch]


@pytest.mark.parametrize("prefetch", [0, 1, 3, 50])
def test_batches_come_in_order_whole_and_as_many_as_announced(prefetch: int) -> None:
    loader = make_loader(10, 4, in_place(10), prefetch)
    assert rows_of(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert len(loader) == 3
    for batch in loader:
        assert batch.waveforms[:, 5, 0].tolist() == batch.rows.tolist()


def test_shuffled_batches_are_those_of_torch_and_new_in_every_epoch() -> None:
    fifty: Any = range(50)  # all that it asks for is a length
    loader, seen = make_loader(50, 8, shuffled(50, 7)), []
    for epoch in range(3):
        stream = stream_seed(Purpose.ORDER, 7, epoch)
        sampler: DistributedSampler[Any] = DistributedSampler(fifty, num_replicas=1, rank=0, seed=stream)
        loader.sampler.set_epoch(epoch)
        seen.append(flat(loader))
        assert seen[-1] == list(sampler) == flat(loader)
    assert sorted(seen[0]) == list(range(50))
    assert seen[0] != seen[1] != seen[2]
    assert flat(make_loader(50, 8, shuffled(50, 8))) != seen[0]


@given(n=st.integers(1, 40), batch_size=st.integers(1, 9), epoch=st.integers(0, 3), data=st.data())
def test_a_loader_goes_on_where_another_stood(n: int, batch_size: int, epoch: int, data: st.DataObject) -> None:
    loader, other = (make_loader(n, batch_size, shuffled(n, 1)) for _ in range(2))
    loader.set_epoch(epoch)
    step = data.draw(st.integers(0, len(loader)))
    batches = iter(loader)
    for _ in range(step):
        next(batches)
    other.load_state_dict(loader.state_dict())
    other.set_epoch(epoch)  # as Lightning does
    iter(other)  # Lightning makes iterators that it never uses
    assert rows_of(other) == rows_of(batches)
    assert rows_of(other) == rows_of(loader)  # only the first iteration starts late
    other.load_state_dict(loader.state_dict())
    loader.set_epoch(epoch + 1)
    other.set_epoch(epoch + 1)
    assert rows_of(other) == rows_of(loader)  # and none of another epoch


def test_state_counts_what_was_handed_out_not_what_was_fetched_ahead() -> None:
    loader = make_loader(20, 2, in_place(20), prefetch=4)
    batches = iter(loader)
    next(batches)
    next(batches)
    assert loader.state_dict() == {"epoch": 0, "step": 2}


def test_an_iteration_that_is_given_up_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    batches = iter(make_loader(100, 2, in_place(100), prefetch=3))
    next(batches)
    assert threading.active_count() > before
    batches.close()  # type: ignore[attr-defined]  # a generator
    assert threading.active_count() == before


def test_a_mistake_in_a_thread_comes_out() -> None:
    loader = make_loader(4, 2, lambda epoch: np.array([0, 1, 2, 9]), prefetch=2)
    with pytest.raises(IndexError):
        list(loader)


@given(
    n=st.integers(1, 60), world_size=st.integers(1, 5), batch_size=st.integers(1, 8), prefetch=st.sampled_from([0, 2])
)
def test_processes_share_the_waveforms_of_each_batch(n: int, world_size: int, batch_size: int, prefetch: int) -> None:
    whole = rows_of(make_loader(n, batch_size, shuffled(n, 3)))
    seen: Counter[int] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(world_size):
            patch.setattr(loader_module, "rank_and_world_size", lambda rank=rank: (rank, world_size))
            loader = make_loader(n, batch_size, shuffled(n, 3), prefetch)
            batches = list(loader)
            assert len(batches) == len(loader)
            assert rows_of(batches) == whole
            for batch, rows in zip(batches, whole, strict=True):
                held = (batch.waveforms[:, 0, 0] - FIRST_ROW).tolist()
                assert held == (rows[rank::world_size] or rows[:1])
                seen.update(held if rank < len(rows) else [])
    assert seen == Counter(range(n))


def _share(rank: int, folder: str) -> None:
    distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    shares = [(batch.waveforms[:, 0, 0] - FIRST_ROW).tolist() for batch in make_loader(7, 2, shuffled(7, 0))]
    Path(folder, str(rank)).write_text(str(shares))
    distributed.destroy_process_group()


def test_two_processes_of_torch_get_a_share_each(tmp_path: Path) -> None:
    spawn(_share, (str(tmp_path),), nprocs=2)
    order = shuffled(7, 0)(0).tolist()
    assert Path(tmp_path, "0").read_text() == str([[row] for row in order[0::2]])
    assert Path(tmp_path, "1").read_text() == str([*([row] for row in order[1::2]), [order[6]]])  # it stands in


def classes_drawn(order: Order, targets: NDArray[Any], epochs: int) -> NDArray[np.float64]:
    drawn = np.concatenate([order(epoch) for epoch in range(epochs)])
    values = targets[drawn] if targets.ndim == 2 else np.eye(targets.max() + 1)[targets[drawn]]
    shares: NDArray[np.float64] = values.sum(axis=0) / len(drawn)
    return shares


def test_balanced_epochs_hold_every_class_equally_often() -> None:
    targets = np.repeat([0, 1, 2], [700, 250, 50])
    order = balanced(targets, 0)
    for epoch in range(5):
        counts = np.bincount(targets[order(epoch)])
        assert counts.sum() == 1000
        assert counts.max() - counts.min() <= 2
    assert not np.array_equal(order(0), order(1))
    assert np.array_equal(order(3), balanced(targets, 0)(3))
    assert not np.array_equal(order(3), balanced(targets, 1)(3))


def test_balanced_draws_show_a_class_evenly_and_in_mixed_order() -> None:
    targets = np.repeat([0, 1], [900, 100])
    drawn = balanced(targets, 0)(0)
    rare = np.bincount(drawn, minlength=1000)[900:]
    assert set(rare) == {5}
    seen = np.concatenate([balanced(targets, 0)(epoch) for epoch in range(12)])
    assert len(np.unique(seen)) == 1000  # no record is left out for ever
    halves = [np.mean(targets[part] == 1) for part in np.split(drawn, 2)]
    assert halves[0] == pytest.approx(0.5, abs=0.08)


def test_with_several_labels_rare_classes_come_more_often() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((2000, 3)) < (0.6, 0.2, 0.02)).astype(np.float32)
    targets = targets[targets.any(axis=1)]
    before = targets.mean(axis=0)
    after = classes_drawn(balanced(targets, 0), targets, 3)
    assert after[2] > 5 * before[2]
    assert after.min() > 1 / 3 - 0.02  # a draw takes a class, so each comes at least in its share


def test_order_does_not_touch_the_global_generator() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(make_loader(20, 4, shuffled(20, 0), prefetch=2))
    list(make_loader(20, 4, balanced(np.arange(20) % 3, 0)))
    assert torch.rand(3).tolist() == expected.tolist()
