"""Which records of a store a run leaves out, by the quality of their waveforms (docs/understand/batches.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.splits import SPLITS
from ecgmm.errors import ConfigError, DataError


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """Limits on the quality columns of ``records.parquet``; None sets none.

    Attributes:
        splits: Splits that the limits apply to.
        max_missing_share: Largest share of missing samples.
        max_flat_leads: Largest number of flat leads.
        max_clipped_share: Largest share of samples at the recorder's limit, in the worst lead.
        max_amplitude_mv: Largest absolute sample in mV.
        max_drift_mv: Largest baseline wander in mV, in the worst lead.
        max_noise_mv: Largest high-frequency noise in mV, in the worst lead.
        max_lead_law_error_mv: Largest deviation of the limb leads from II = I + III in mV.
        min_quality: Smallest quality score.
        exclude_limb_swap: Leave out suspected reversals of limb electrodes.

    Raises:
        ConfigError: If a split is unknown or a limit is no number.
    """

    splits: Sequence[str] = ("train",)
    max_missing_share: float | None = None
    max_flat_leads: float | None = None
    max_clipped_share: float | None = None
    max_amplitude_mv: float | None = None
    max_drift_mv: float | None = None
    max_noise_mv: float | None = None
    max_lead_law_error_mv: float | None = None
    min_quality: float | None = None
    exclude_limb_swap: bool = False

    def __post_init__(self) -> None:
        for split in self.splits:
            if split not in SPLITS:
                raise ConfigError(f"quality.splits names {split!r}; choose from {', '.join(SPLITS)}")
        if not isinstance(self.exclude_limb_swap, bool):
            raise ConfigError(f"quality.exclude_limb_swap is {self.exclude_limb_swap!r}; it must be true or false")
        for name, limit in self.chosen.items():
            if name != "exclude_limb_swap" and (isinstance(limit, bool) or not isinstance(limit, int | float)):
                raise ConfigError(f"quality.{name} is {limit!r}; it must be a number, or null for no limit")

    @property
    def chosen(self) -> dict[str, float | bool]:
        """The limits that are set, by their key."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "splits"}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    def apply(self, records: pl.DataFrame, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], dict[str, int]]:
        """Leave out rows beyond a limit; a row whose value is not there (null, NaN) is beyond it.

        Args:
            records: The store's records.
            chosen: bool ``[N]``, the rows to look at.

        Returns:
            bool ``[N]``, the chosen rows that are within all limits; and how many each limit left out, by its key. A
            row beyond several counts for the first.

        Raises:
            DataError: If the store is older than a column that is needed.
        """
        kept, left_out = chosen, {}
        for name, limit in self.chosen.items():
            within = kept & _within(records, name, limit)
            left_out[name] = int(kept.sum() - within.sum())
            kept = within
        return kept, left_out


def _within(records: pl.DataFrame, name: str, limit: float | bool) -> NDArray[np.bool_]:
    column = name.split("_", 1)[1]  # max_drift_mv, min_quality, exclude_limb_swap
    if column not in records.columns:
        raise DataError(
            f"the store has no column {column!r}, which quality.{name} needs: it was prepared by an older version;"
            " prepare it again under another data.store, or set the limit to null"
        )
    if column == "limb_swap":
        return (records[column] == "none").fill_null(value=False).to_numpy()
    values = records[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values >= limit if name.startswith("min_") else values <= limit
