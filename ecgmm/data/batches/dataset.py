"""Batches straight from an open store: one gather per batch, int16 throughout, nothing per sample."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.data.batches.residency import NoWaveforms, Waveforms
from ecgmm.types import Batch

ALL = slice(None)


class RecordDataset:
    """Rows of a store with their text and targets, from which whole batches are gathered.

    Args:
        waveforms: int16 ``[N, L, T]`` of the store, wherever they are.
        rows: int64, rows of the store that the data set holds, in its own order.
        has_waveform: bool ``[N]``.
        report_of_row: int64 ``[N]``, row in the text tables; -1 picks their last row, which is the empty report.
        token_ids: int32 ``[R + 1, N]``, right-padded with ``PADDING_ID``; the last row is empty.
        token_counts: int32 ``[R + 1]``.
        statement_ids: int32 ``[R + 1, S]``, right-padded likewise; the last row is empty.
        targets: int64 ``[N]`` or float32 ``[N, K]``.
        intervals: float32 ``[N, len(INTERVALS)]``.
    """

    def __init__(
        self,
        waveforms: Waveforms,
        rows: NDArray[np.int64],
        has_waveform: NDArray[np.bool_],
        report_of_row: NDArray[np.int64],
        token_ids: NDArray[np.int32],
        token_counts: NDArray[np.int32],
        statement_ids: NDArray[np.int32],
        targets: NDArray[Any],
        intervals: NDArray[np.float32],
    ) -> None:
        assert token_counts[-1] == 0, "the last text row must be the empty report"
        self.waveforms = waveforms
        self.rows = rows
        self.has_waveform = has_waveform
        self.report_of_row = report_of_row
        self.token_ids = token_ids
        self.token_counts = token_counts
        self.statement_ids = statement_ids
        self.targets = targets
        self.intervals = intervals

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, positions: NDArray[np.int64], share: slice = ALL) -> Batch:
        """Gather one batch, with the waveforms of a share of it."""
        rows = self.rows[positions]
        batch = self._batch(rows, self.waveforms.gather(rows[share]))
        return Batch(*(values.pin_memory() for values in batch)) if self.waveforms.pinned else batch

    def batches(self, size: int) -> Iterator[Batch]:
        """Gather all rows in order, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.batch(np.arange(start, min(start + size, len(self))))

    def announced_batch(self, positions: NDArray[np.int64], share: slice = ALL) -> Batch:
        """Gather one batch after announcing all its rows to the disk."""
        self.waveforms.announce(self.rows[positions][share])
        return self.batch(positions, share)

    def without_waveforms(self) -> Batch:
        """All rows as one batch whose waveforms have no samples: the training table of closed-form methods."""
        return self._batch(self.rows, NoWaveforms(self.waveforms.n_leads).gather(self.rows))

    def without_reports(self) -> "RecordDataset":
        """The same rows as if none had a report; it holds no text table."""
        no_text = np.zeros((1, 1), np.int32)
        return RecordDataset(
            self.waveforms,
            self.rows,
            self.has_waveform,
            np.full_like(self.report_of_row, -1),
            no_text,
            np.zeros(1, np.int32),
            no_text,
            self.targets,
            self.intervals,
        )

    def _batch(self, rows: NDArray[np.int64], waveforms: Tensor) -> Batch:
        # In numpy: what threads do in torch would start threads of its own for them.
        reports = self.report_of_row[rows]
        counts = self.token_counts[reports]
        width = max(1, int(counts.max()))
        return Batch(
            waveforms=waveforms,
            has_waveform=torch.from_numpy(self.has_waveform[rows]),
            token_ids=torch.from_numpy(self.token_ids.take(reports, axis=0)[:, :width].astype(np.int64)),
            token_mask=torch.from_numpy(np.arange(width) < counts[:, None]),
            statement_ids=torch.from_numpy(self.statement_ids.take(reports, axis=0).astype(np.int64)),
            has_report=torch.from_numpy(counts > 0),
            labels=torch.from_numpy(self.targets[rows]),
            rows=torch.from_numpy(rows),
            intervals=torch.from_numpy(self.intervals[rows]),
            report_is_own=torch.ones(len(rows), dtype=torch.bool),
        )
