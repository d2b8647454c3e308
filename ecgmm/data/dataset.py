"""Batches straight from an open store: one gather a batch, int16 all the way, nothing per sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from ecgmm.types import Batch


class RecordDataset(Dataset[Batch]):
    """Rows of a store with their text and targets; indexed by a list of positions it returns a whole ``Batch``.

    Args:
        waveforms: int16 ``[N, L, T]`` of the store (a memory map).
        rows: int64, the store rows this data set holds, in its own order.
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
        waveforms: NDArray[np.int16],
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

    def __getitem__(self, position: int) -> Batch:
        return self.__getitems__([position])

    def __getitems__(self, positions: Sequence[int]) -> Batch:
        """Gather one batch (the DataLoader calls this with all positions of the batch at once)."""
        rows = self.rows[np.asarray(positions)]
        return self._batch(rows, torch.from_numpy(self.waveforms[rows]))

    def without_waveforms(self) -> Batch:
        """All rows as one batch whose waveforms have no samples: the training table of closed-form methods."""
        return self._batch(self.rows, torch.empty(len(self.rows), self.waveforms.shape[1], 0, dtype=torch.int16))

    def _batch(self, rows: NDArray[np.int64], waveforms: torch.Tensor) -> Batch:
        reports = self.report_of_row[rows]
        counts = torch.from_numpy(self.token_counts[reports]).long()
        width = max(1, int(counts.max()))
        return Batch(
            waveforms=waveforms,
            has_waveform=torch.from_numpy(self.has_waveform[rows]),
            token_ids=torch.from_numpy(self.token_ids.take(reports, axis=0)[:, :width]).long(),
            token_mask=torch.arange(width) < counts[:, None],
            statement_ids=torch.from_numpy(self.statement_ids.take(reports, axis=0)).long(),
            has_report=counts > 0,
            labels=torch.from_numpy(self.targets[rows]),
            rows=torch.from_numpy(rows),
            intervals=torch.from_numpy(self.intervals[rows]),
        )
