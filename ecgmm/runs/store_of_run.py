"""The store that a run was trained on, found by its fingerprint: never by a path that the run names."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ecgmm.data.sources.prepare_command import prepare_command
from ecgmm.data.store.store import Store, fingerprint_of
from ecgmm.errors import DataError, printable
from ecgmm.settings.targets_data import SOURCES

STORES = Path("stores")
"""Default folder of the stores, as ``paths.stores`` has it."""


def store_of_run(fingerprint: str, stores: Path, data: Any, setting: str) -> Store:
    """Open the store with a fingerprint.

    Args:
        fingerprint: Of the run's store.
        stores: Folder that holds stores, one of which it may be.
        data: The setting ``data`` of the run, which says how to make the store where there is none.
        setting: With what the user names the folder, such as ``paths.stores=...``.

    Raises:
        DataError: If it is not there.
    """
    store = find_store(fingerprint, stores)
    if store is not None:
        return store
    raise DataError(
        f"what {printable(stores)} holds is not the store that the run was trained on ({printable(fingerprint[:12])});"
        f" name the folder that holds it with {setting}{_command(data)}"
    )


def find_store(fingerprint: str, stores: Path) -> Store | None:
    """Open the store with a fingerprint; None where the folder ``stores`` does not hold it."""
    folders = sorted(path for path in stores.glob("*") if path.is_dir()) if stores.is_dir() else []
    found = next((path for path in folders if fingerprint_of(path) == fingerprint), None)
    return None if found is None else Store.open(found)


def _command(data: Any) -> str:
    """Command that makes a store, as words of a message; nothing for settings that are of no known source."""
    if not isinstance(data, dict) or data.get("_target_") not in SOURCES:
        return ""
    return f", or make it: {prepare_command(OmegaConf.create(data))}"
