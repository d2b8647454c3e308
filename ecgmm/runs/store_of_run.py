"""The store that a run was trained on, found by its fingerprint: never by a path that the run names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ecgmm.building import TARGETS
from ecgmm.data.prepare_command import prepare_command
from ecgmm.data.store import Store, fingerprint_of
from ecgmm.errors import DataError, printable


def store_of_run(fingerprint: str, stores: Path, config: Mapping[str, Any]) -> Store:
    """Open the store with a fingerprint.

    Args:
        fingerprint: Of the run's store.
        stores: Folder that holds stores, one of which it may be.
        config: The run's configuration, which says how to make the store where there is none.

    Raises:
        DataError: If it is not there.
    """
    folders = sorted(path for path in stores.glob("*") if path.is_dir()) if stores.is_dir() else []
    for path in folders:
        if fingerprint_of(path) == fingerprint:
            return Store.open(path)
    data = config.get("data")
    made = ""
    if isinstance(data, dict) and data.get("_target_") in TARGETS and "data" in str(data["_target_"]):
        made = f" or make it: {prepare_command(OmegaConf.create(data))}"
    raise DataError(
        f"the store that the run was trained on ({printable(fingerprint[:12])}) is not in {printable(stores)}; name"
        f" its folder with store=..., or the folder that holds it with paths.stores=...,{made}"
    )
