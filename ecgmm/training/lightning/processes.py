"""Training in several processes: each runs the method on its share of a batch, then all see all outputs.

Losses are computed of the whole batch by every process. So they may mean anything that a loss means in one process
(a mean over tokens, pairs of all records), whatever the shares, and their gradients are those of the whole batch.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain
from typing import Any

import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor, distributed

from ecgmm.data.batches.loader import own_share, rank_and_world_size
from ecgmm.types import Batch, ModelOutput

TAKES_PART = ContextVar("TAKES_PART", default=True)
"""False while a last batch has no record for this process, whose stand-in counts nowhere."""
_SECONDS_BETWEEN_LOOKS = 0.1


def is_first_process() -> bool:
    """Whether this process writes and prints; known from the environment before the processes have met."""
    return not getattr(rank_zero_only, "rank", 0)


def wait_until(ready: Callable[[], bool]) -> None:
    """Wait until a condition on what the first process writes holds."""
    while not ready():
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def share_of(batch: Batch) -> Batch:
    """This process's share of a batch, whose waveforms are of that share already (``BatchLoader``)."""
    rank, world_size = rank_and_world_size()
    if world_size == 1:
        return batch
    n_records = len(batch.rows)
    TAKES_PART.set(rank < n_records)
    return Batch(batch.waveforms, *(values[own_share(n_records)] for values in batch[1:]))


def whole(output: ModelOutput, batch: Batch) -> tuple[ModelOutput, Batch]:
    """Outputs of all processes in the order of the batch, and the batch without its waveforms.

    Args:
        output: Of ``share_of(batch)``. Gradients flow back to it as if there were one process: see ``_Gather``.
        batch: As the loader hands it out.
    """
    without_waveforms = batch._replace(
        waveforms=batch.waveforms.new_empty(len(batch.rows), batch.waveforms.shape[1], 0)
    )
    if rank_and_world_size()[1] == 1:
        return output, without_waveforms
    names = ("logits", "gate", "ecg_embedding", "text_embedding", "inconsistency")
    single = {name: getattr(output, name) for name in names}
    single = {name: values for name, values in single.items() if values is not None}
    parts = list(chain(single.values(), output.readouts.values(), output.extra.values()))
    gathered = iter(_gather(parts, len(batch.rows)))
    return ModelOutput(
        **{name: next(gathered) for name in single},
        readouts={name: next(gathered) for name in output.readouts},
        extra={name: next(gathered) for name in output.extra},
    ), without_waveforms


def _gather(parts: Sequence[Tensor], n_records: int) -> list[Tensor]:
    """Gather tensors ``[share, ...]`` in one call to ``[n_records, ...]``; float32 holds all their types exactly."""
    flat = [part.unsqueeze(1).flatten(1).float() for part in parts]
    columns = _Gather.apply(torch.cat(flat, dim=1), n_records).split(  # type: ignore[no-untyped-call]  # as torch has it
        [values.shape[1] for values in flat], dim=1
    )
    return [
        values.reshape(n_records, *part.shape[1:]).to(part.dtype) for values, part in zip(columns, parts, strict=True)
    ]


class _Gather(torch.autograd.Function):
    """All shares ``[n, D]`` as one batch.

    Every process computes the same loss of what is gathered, so that each knows the gradient of its share without
    asking. It is multiplied by the number of processes, because DDP takes the mean over them. Parameters that the loss
    uses directly have the same gradient everywhere, which the mean leaves as it is.
    """

    @staticmethod
    def forward(context: Any, share: Tensor, n_records: int) -> Tensor:
        rank, world_size = rank_and_world_size()
        padded = share.new_zeros(-(-n_records // world_size), share.shape[1])
        context.stands_in = rank >= n_records
        if not context.stands_in:
            padded[: len(share)] = share
        parts = [torch.empty_like(padded) for _ in range(world_size)]
        distributed.all_gather(parts, padded)
        return torch.stack(parts, dim=1).flatten(0, 1)[:n_records]

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        rank, world_size = rank_and_world_size()
        own = torch.zeros_like(gradient[:1]) if context.stands_in else gradient[rank::world_size] * world_size
        return own, None


@contextmanager
def same_draws(seed: int, device: torch.device) -> Iterator[None]:
    """Context in which all processes draw the same random numbers; outside each continues with its own."""
    if rank_and_world_size()[1] == 1:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def of_all(value: Any) -> list[Any]:
    """Gather a value of each process, by rank."""
    _, world_size = rank_and_world_size()
    values = [value]
    if world_size > 1:
        values = [None] * world_size
        distributed.all_gather_object(values, value)
    return values
