"""Search for the patients of a run's training and validation in another store: by their ids, and by their recordings.

Ids mean something within one source only. A collection may hold another one under new ids (the challenge of 2021 holds
PTB-XL), so recordings are compared too, by the digest that a store keeps of each row.
"""

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.store.splits import kept_for_training
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, printable
from ecgmm.runs.facts import PatientFacts

_SAME_FORM = ("rate_hz", "n_times", "uv_per_step")


def find_shared(
    known: Store | None, train_fraction: float, store: Store, fraction_seed: int | None = None
) -> tuple[NDArray[np.bool_], PatientFacts]:
    """Find the rows of a store whose patients a run was trained on, or chosen by.

    Args:
        known: The store of the run; None where it is not there, and nothing can be compared.
        train_fraction: Part of the training patients that the run had.
        store: The store that it is evaluated on.
        fraction_seed: The run's; None where the part was that which the store ranks first.

    Returns:
        Bool ``[N]``, rows of the store; and what was compared.
    """
    patients = store.records["patient"].to_numpy()
    if known is None:
        return np.zeros(len(patients), bool), PatientFacts(ids_compared=False, contents_compared=False)
    records = known.records
    learnt = kept_for_training(records, train_fraction, fraction_seed)[0] | (records["split"] == "val").to_numpy()
    seen = records.filter(learnt)
    same_source = known.manifest["source"]["name"] == store.manifest["source"]["name"]
    same_form = all(known.manifest[key] == store.manifest[key] for key in _SAME_FORM)
    shared = np.zeros(len(patients), bool)
    if same_source:
        shared |= np.isin(patients, seen["patient"].to_numpy())
    if same_form:
        # A row without a usable lead is like any other such row.
        contents = seen.filter("has_waveform")["content"].to_numpy()
        same = np.isin(store.records["content"].to_numpy(), contents) & store.records["has_waveform"].to_numpy()
        shared |= np.isin(patients, patients[same])
    return shared, PatientFacts(ids_compared=same_source, contents_compared=same_form)


def refuse_shared(store: Store, shared: NDArray[np.bool_], is_own: bool) -> None:
    """Refuse rows of patients that the run has learnt from.

    Args:
        store: The store.
        shared: Bool ``[N]``, those among the rows that would be measured.
        is_own: Whether it is the store that the run was trained on.

    Raises:
        ConfigError: If there are any.
    """
    if not shared.any():
        return
    n_patients = store.records.filter(shared)["patient"].n_unique()
    cure = (
        "take split=test"
        if is_own
        else "leave them out with shared_patients=drop, or, where ids of other people are alike, prepare the store"
        " under another data.name"
    )
    raise ConfigError(
        f"{printable(store.path)} holds {n_patients:,} patients ({int(shared.sum()):,} rows) of the run's training and"
        f" validation, on whom the number would be too good; {cure}"
    )
