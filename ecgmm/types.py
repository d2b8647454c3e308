"""Words that all floors share: what the loader hands to a method and what a method hands back.

Shape letters used throughout the package: B records in the batch, L leads (12), T samples in time,
N tokens, S statements, K classes, D width of an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, device  # a second and 200 MB that preparation does without

MISSING_SAMPLE = -32768
"""Stored int16 value of a sample that the recorder did not deliver (WFDB format 16's invalid sample)."""

PADDING_ID = 0
"""Token and statement id of padding; text tables are right-padded with it."""

UNKNOWN_ID = 1
"""Token and statement id of anything that the training split's vocabulary does not hold."""

INTERVALS = ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "p_axis_deg", "qrs_axis_deg", "t_axis_deg")
"""What a cart measures on a record: training targets of methods that explain themselves, never an input."""


class Batch(NamedTuple):
    """One batch. Carries numbers only: never a report's text, a patient or a study id.

    Attributes:
        waveforms: ``[B, L, T]``. int16 store steps with ``MISSING_SAMPLE`` as the loader delivers them; float32 without
            unit (z-scores) once ``WaveformPreparation`` has run on the device. Leads in the order of ``leads.LEADS``.
        has_waveform: bool ``[B]``. False where no lead carries a usable signal.
        token_ids: int64 ``[B, N]``, right-padded with ``PADDING_ID``.
        token_mask: bool ``[B, N]``, True at real tokens; all False where there is no report.
        statement_ids: int64 ``[B, S]``, one id a statement of the report, right-padded with ``PADDING_ID``.
        has_report: bool ``[B]``.
        labels: int64 ``[B]`` class numbers for a single-label task, float32 ``[B, K]`` in [0, 1] for multi-label.
        rows: int64 ``[B]``, row of each record in the store's ``records.parquet``.
        intervals: float32 ``[B, len(INTERVALS)]``, NaN where the cart gave none. A training target, never an input.
        report_is_own: bool ``[B]``. False where training has put the report of another record (``PairCorruption``);
            True everywhere else. A training target, never an input.
    """

    waveforms: Tensor
    has_waveform: Tensor
    token_ids: Tensor
    token_mask: Tensor
    statement_ids: Tensor
    has_report: Tensor
    labels: Tensor
    rows: Tensor
    intervals: Tensor
    report_is_own: Tensor

    @property
    def is_pair(self) -> Tensor:
        """Records that have both modalities, of one recording: what a loss of pairs may learn from, bool ``[B]``."""
        return self.has_waveform & self.has_report & self.report_is_own

    def on(self, device: device) -> Batch:
        """Bring all of it to a device."""
        return Batch(*(values.to(device) for values in self))


@dataclass
class ModelOutput:
    """What a method returns for a batch.

    Attributes:
        logits: float ``[B, K]``, before softmax or sigmoid.
        gate: float ``[B]``, weight alpha of the waveform in [0, 1], where the method has one.
        ecg_embedding: float ``[B, D]``, h_e of the paper, where the method has one.
        text_embedding: float ``[B, D]``, h_t of the paper, where the method has one.
        readouts: Further class logits ``[B, K]`` by name, each measured beside ``logits`` (``Method.readouts``).
        extra: Further named tensors with leading dimension B (projections, extra heads).
        inconsistency: float ``[B]``, the higher, the more doubtful that report and waveform belong together, where the
            method has it; 0 for a record that lacks one.
    """

    logits: Tensor
    gate: Tensor | None = None
    ecg_embedding: Tensor | None = None
    text_embedding: Tensor | None = None
    readouts: dict[str, Tensor] = field(default_factory=dict)
    extra: dict[str, Tensor] = field(default_factory=dict)
    inconsistency: Tensor | None = None
