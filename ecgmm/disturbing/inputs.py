"""What a disturbance starts from and what it makes: waveforms in store steps, reports as statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.streams import Purpose

Report = list[str]


@dataclass(frozen=True)
class Inputs:
    """Records of a store, undisturbed.

    Attributes:
        rows: int64 ``[n]``, rows of the store.
        waveforms: int16 ``[n, 12, T]`` in store steps, with ``MISSING_SAMPLE``.
        has_waveform: bool ``[n]``.
        reports: Clean statements of each record; none where there is no report.
        previous: Of the same patient's latest recording before that has a report; None where there is none.
        patients: int64 ``[n]``.
        labels: int64 ``[n]`` class numbers, or float ``[n, K]``.
        keys: ``[n]``, record and window: key of the record's stream of random numbers.
        rate_hz: Sampling rate.
        mv_per_step: Millivolts of one step.
    """

    rows: NDArray[np.int64]
    waveforms: NDArray[np.int16]
    has_waveform: NDArray[np.bool_]
    reports: list[Report]
    previous: list[Report | None]
    patients: NDArray[np.int64]
    labels: NDArray[Any]
    keys: list[tuple[int, int]]
    rate_hz: float
    mv_per_step: float

    @staticmethod
    def of(datamodule: EcgReportDataModule, rows: NDArray[np.int64]) -> "Inputs":
        """Read some rows of an open store."""
        store, records = datamodule.store, datamodule.store.records
        chosen = records[rows]
        statements = store.reports["statements"].to_list()
        report_of_row = records["report"].to_numpy()
        return Inputs(
            rows=rows,
            waveforms=np.asarray(store.waveforms[rows]),
            has_waveform=chosen["has_waveform"].to_numpy(),
            reports=[statements[index] if index >= 0 else [] for index in report_of_row[rows]],
            previous=[None if index < 0 else statements[report_of_row[index]] for index in _previous(datamodule, rows)],
            patients=chosen["patient"].to_numpy(),
            labels=datamodule.targets.values[rows],
            keys=list(zip(chosen["record"].to_list(), chosen["window"].to_list(), strict=True)),
            rate_hz=store.manifest["rate_hz"],
            mv_per_step=store.manifest["uv_per_step"] / 1000,
        )

    def generators(self, kind_number: int, seed: int) -> list[np.random.Generator]:
        """A stream for each record: the same whichever records are beside it, and the same at all strengths.

        The strengths share their draws, so that a stronger disturbance is the weaker one and more.
        """
        return [np.random.default_rng([Purpose.DISTURBANCE, seed, kind_number, *map(abs, key)]) for key in self.keys]

    def other_class(self, one: int, other: int) -> bool:
        """Whether two records have different classes."""
        classes = self.labels if self.labels.ndim == 1 else self.labels >= 0.5
        return bool(np.any(classes[one] != classes[other]))


def _previous(datamodule: EcgReportDataModule, rows: NDArray[np.int64]) -> list[int]:
    """Row with a report of each patient's latest recording before each row; -1 where there is none."""
    records = datamodule.store.records
    order = np.lexsort((records["record"].to_numpy(), records["time"].to_numpy(), records["patient"].to_numpy()))
    patients, record = records["patient"].to_numpy()[order], records["record"].to_numpy()[order]
    has_report = records["report"].to_numpy()[order] >= 0
    dated = records["time"].is_not_null().to_numpy()[order]
    found = np.full(len(order), -1)
    last, recent = -1, -1  # the latest row with a report of an earlier recording, and of this one
    for place, row in enumerate(order):
        if place == 0 or patients[place] != patients[place - 1]:
            last = recent = -1
        elif record[place] != record[place - 1]:
            last = recent
        found[row] = last if dated[place] else -1
        if has_report[place] and dated[place]:
            recent = row
    return [int(index) for index in found[rows]]


class Disturbed(NamedTuple):
    """Inputs after a disturbance; None where a modality is as it was.

    Attributes:
        waveforms: int16 ``[n, 12, T]``.
        has_waveform: bool ``[n]``.
        reports: Statements of each record.
        changed: bool ``[n]``, whether anything of the record was changed.
        other_class: bool ``[n]``, whether a foreign report is of a record with other classes; None without such.
    """

    waveforms: NDArray[np.int16] | None
    has_waveform: NDArray[np.bool_] | None
    reports: Sequence[Report] | None
    changed: NDArray[np.bool_]
    other_class: NDArray[np.bool_] | None = None
