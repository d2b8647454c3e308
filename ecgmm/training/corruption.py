"""Corruption of pairs in training: modalities that are missing, reports that are of other records, wrong or shorter.

A method that has met such records does not trust blindly what it is given. Sources: dropped modalities, Neverova et
al., "ModDrop", arXiv 1501.00102; dropped words, Iyyer et al., "Deep unordered composition rivals syntactic methods for
text classification", ACL 2015, section 3.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ecgmm.types import PADDING_ID, Batch

Contradict = Callable[[Batch, Tensor, Generator], Batch]
"""Contradicts one statement in the reports of chosen records, bool ``[B]``, and marks them in ``report_is_own``."""


@dataclass(frozen=True)
class PairCorruption:
    """Random damage to whole batches, before the method sees them.

    A record never loses both modalities. Each chance holds for a record; a chance of 0 changes nothing.

    Args:
        drop_waveform: Chance that the waveform counts as missing.
        drop_report: Chance that the report is missing.
        exchange_report: Chance that the report is that of another record of the batch.
        thin_report: Chance that words are lost; what share of them is drawn uniformly from [0, 1].
        cut_report: Chance that the report ends early, after a share of its words drawn uniformly from [0, 1].
        contradict_report: Chance that one statement of the report is contradicted. Words are lost of such reports as of
            others, or whole ones would be those that are not the record's own.
        contradict: What contradicts them, of the training records (``Contradictions``); needed for a chance above 0.
    """

    drop_waveform: float
    drop_report: float
    exchange_report: float
    thin_report: float
    cut_report: float
    contradict_report: float = 0.0
    contradict: Contradict | None = None

    def __call__(self, batch: Batch, generator: Generator) -> Batch:
        """Damage a batch; its own tensors stay as they are.

        Args:
            batch: A whole batch: all text of all processes, so that each process draws the same.
            generator: Of the batch's device.

        Returns:
            The batch with other ``token_ids``, ``token_mask``, ``statement_ids``, ``has_waveform``, ``has_report`` and
            ``report_is_own``. Words are lost from the tokens only: ``statement_ids`` are those of the whole report. The
            samples of a dropped waveform stay; no method looks at them where ``has_waveform`` is False.
        """
        n, device = len(batch.rows), batch.rows.device
        lost, swapped, thinned, ended, share_lost, share_kept = torch.rand(6, n, generator=generator, device=device)
        if self.contradict_report:
            assert self.contradict is not None
            hit = torch.rand(n, generator=generator, device=device) < self.contradict_report
            batch = self.contradict(batch, hit, generator)
        batch = _exchanged(batch, swapped < self.exchange_report, _others(n, generator, device))
        n_words = batch.token_mask.sum(dim=1, keepdim=True)
        place = torch.arange(batch.token_mask.shape[1], device=device)
        draw = torch.rand(batch.token_mask.shape, generator=generator, device=device)
        loses = (thinned < self.thin_report).unsqueeze(1) & (draw < share_lost.unsqueeze(1))
        ends = (ended < self.cut_report).unsqueeze(1) & (place >= share_kept.unsqueeze(1) * n_words)
        kept = batch.token_mask & ~loses & ~ends
        nothing_left = ~kept.any(dim=1, keepdim=True)
        batch = _with_words(batch, torch.where(nothing_left, batch.token_mask & (place == 0), kept))
        both = batch.has_waveform & batch.has_report
        without_waveform = both & (lost < self.drop_waveform)
        without_report = both & ~without_waveform & (lost < self.drop_waveform + self.drop_report)
        return _without_reports(batch._replace(has_waveform=batch.has_waveform & ~without_waveform), without_report)


def _others(n: int, generator: Generator, device: torch.device) -> Tensor:
    """For each of n records another one, each once: the next in a random circle."""
    order = torch.randperm(n, generator=generator, device=device)
    return torch.empty_like(order).scatter_(0, order, order.roll(1))


def _exchanged(batch: Batch, chosen: Tensor, partners: Tensor) -> Batch:
    """Give chosen records the reports of their partners, where both have one."""
    chosen = chosen & batch.has_report & batch.has_report[partners] & (batch.rows[partners] != batch.rows)
    source = torch.where(chosen, partners, torch.arange(len(chosen), device=chosen.device))
    return batch._replace(
        token_ids=batch.token_ids[source],
        token_mask=batch.token_mask[source],
        statement_ids=batch.statement_ids[source],
        report_is_own=batch.report_is_own & ~chosen,
    )


def _with_words(batch: Batch, kept: Tensor) -> Batch:
    """Keep these words of each report, bool ``[B, N]``, padded on the right as always."""
    order = (~kept).int().argsort(dim=1, stable=True)
    mask = kept.gather(1, order)
    return batch._replace(token_ids=batch.token_ids.gather(1, order).masked_fill(~mask, PADDING_ID), token_mask=mask)


def _without_reports(batch: Batch, chosen: Tensor) -> Batch:
    gone = chosen.unsqueeze(1)
    return batch._replace(
        token_ids=batch.token_ids.masked_fill(gone, PADDING_ID),
        token_mask=batch.token_mask & ~gone,
        statement_ids=batch.statement_ids.masked_fill(gone, PADDING_ID),
        has_report=batch.has_report & ~chosen,
    )
