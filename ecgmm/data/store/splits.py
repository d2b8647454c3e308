"""Training, validation and test patients, decided by a hash of seed and patient alone.

So the split does not depend on the order of the rows, on which other patients there are, or on a random generator:
a patient keeps the same place when records are added or removed.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import ConfigError, DataError

SPLITS = ("train", "val", "test")


@dataclass(kw_only=True)
class SplitShares:
    """Shares of the patients, and the seed of their order. The shares sum to 1."""

    seed: int
    train: float
    val: float
    test: float

    def __post_init__(self) -> None:
        shares = (self.train, self.val, self.test)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise ConfigError(f"data.split has shares {shares}; they must be 0 or more and sum to 1")


@dataclass(kw_only=True)
class Folds:
    """Fold numbers of each split; ``train`` left None takes every fold that is in neither of the others."""

    train: list[int] | None
    val: list[int]
    test: list[int]

    def __post_init__(self) -> None:
        named = [*(self.train or []), *self.val, *self.test]
        twice = sorted({fold for fold in named if named.count(fold) > 1})
        if twice:
            raise ConfigError(f"data.folds names fold {twice[0]} more than once; give each fold to one split")


def patient_ranks(patients: NDArray[np.int64], seed: int, purpose: str) -> NDArray[np.float64]:
    """A number in [0, 1) for each patient, uniform over patients, the same wherever the patient turns up.

    Args:
        patients: int64 ``[N]``.
        seed: Another seed gives an independent ranking.
        purpose: Another purpose gives an independent ranking.

    Returns:
        float64 ``[N]``.
    """
    distinct, inverse = np.unique(patients, return_inverse=True)
    ranks = [_hash_to_unit(f"{purpose}:{seed}:{patient}") for patient in distinct.tolist()]
    return np.array(ranks, dtype=np.float64)[inverse]


def kept_for_training(
    records: pl.DataFrame, fraction: float, seed: int | None
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Rows of the part of the training patients that a run learns from; smaller parts lie within larger ones.

    Args:
        records: Of a store.
        fraction: In (0, 1]; 1 keeps all training patients, whatever the seed.
        seed: Ranks the patients anew; None takes the ranks of the store, which are the same for all runs.

    Returns:
        bool ``[N]``; and the ranks ``[N]`` in [0, 1), one for each patient, that decide it.
    """
    own = records["fraction_rank"].to_numpy()
    ranks = own if seed is None else patient_ranks(records["patient"].to_numpy(), seed, "fraction")
    return (records["split"] == "train").to_numpy() & (ranks < fraction), ranks


def _hash_to_unit(text: str) -> float:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def split_by_patient(patients: NDArray[np.int64], shares: SplitShares) -> NDArray[np.str_]:
    """Assign each record the split of its patient (str ``[N]``)."""
    ranks = patient_ranks(patients, shares.seed, "split")
    return np.select([ranks < shares.train, ranks < shares.train + shares.val], ["train", "val"], "test")


def split_by_fold(folds: NDArray[np.int64], chosen: Folds) -> NDArray[np.str_]:
    """Assign each record the split of its fold (str ``[N]``; -1 has none), empty where no split takes the fold."""
    in_val, in_test = np.isin(folds, chosen.val), np.isin(folds, chosen.test)
    in_train = (folds >= 0) & ~(in_val | in_test) if chosen.train is None else np.isin(folds, chosen.train)
    return np.select([in_train, in_val, in_test], list(SPLITS), "")


def check_splits(records: pl.DataFrame) -> None:
    """Check that no split is empty and no patient is in two.

    Args:
        records: Columns ``patient`` and ``split``.

    Raises:
        DataError: If a split is empty, or the source's folds tear a patient apart.
    """
    for split in SPLITS:
        if not (records["split"] == split).any():
            raise DataError(
                f"the {split} split is empty ({records.height} records, {records['patient'].n_unique()} patients);"
                " change data.split or data.folds, or prepare more records"
            )
    n_torn = n_torn_patients(records)
    if n_torn:
        raise DataError(f"the folds put {n_torn} patients into two splits; set data.folds=null to split by patient")


def split_digest(records: pl.DataFrame) -> str:
    """sha256 of the pairs of record and split, whatever the order of the rows."""
    pairs = records.select("record", "split").unique().sort("record")
    lines = pairs.select(pl.concat_str(pl.col("record").cast(pl.String), pl.lit(":"), "split", pl.lit("\n")))
    return hashlib.sha256((lines.to_series().str.join("").item() or "").encode()).hexdigest()


def n_torn_patients(records: pl.DataFrame) -> int:
    """Number of patients in more than one split."""
    placed = records.select("patient", "split").unique()
    return placed.filter(placed["patient"].is_duplicated())["patient"].n_unique()
