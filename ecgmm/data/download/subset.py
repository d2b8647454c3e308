"""Recordings of a part of the patients."""

import numpy as np
import polars as pl

from ecgmm.data.sources.source import DataConfig
from ecgmm.data.store.splits import patient_ranks
from ecgmm.errors import ConfigError


def recordings_of(config: DataConfig, n_patients: int) -> set[str]:
    """Paths, without extension, of all recordings of the first patients in a random but fixed order.

    The first 100 patients are also among the first 200. Of PTB-XL's rates it is the one that ``data.rate_hz`` reads.

    Args:
        config: The source, whose tables lie under its root; ``data.split.seed`` is the seed of the order.
        n_patients: Number of patients.

    Raises:
        ConfigError: If there are fewer patients.
    """
    frame = config.read_index().frame
    patients = frame["patient"].unique().sort().to_numpy()
    if n_patients > len(patients):
        raise ConfigError(
            f"subset is {n_patients}, but {config.name} has {len(patients)} patients; take so many or fewer"
        )
    ranks = patient_ranks(patients, config.split.seed, "download")
    chosen = pl.Series(patients[np.argsort(ranks)[:n_patients]])
    return set(frame.filter(pl.col("patient").is_in(chosen.implode()))["path"])
