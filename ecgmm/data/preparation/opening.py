"""Store of the settings ``data``: opened where it is, prepared first where there is none."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ecgmm.building import construct
from ecgmm.data.sources.source import DataConfig
from ecgmm.data.store.faults import not_read
from ecgmm.data.store.store import PATH_MARK, Store
from ecgmm.errors import ConfigError, DataError, printable


def open_or_prepare(settings: DictConfig) -> Store:
    """Open the store that the configuration group ``data`` describes; prepare it first where there is none.

    Jobs of a sweep in one process get one opened store.

    Raises:
        UserError: As ``prepare_store``.
    """
    config: DataConfig = construct(settings)
    path = store_path(config)
    if not is_there(path):
        from ecgmm.data.preparation.preparation import prepare_store  # all that reads trees, for the first time only

        prepare_store(config)
    store = _opened(path, _made_ns(path))
    check_same_parameters(store, config)
    return store


def open_prepared(settings: DictConfig) -> Store:
    """Open the store that the configuration group ``data`` describes; nothing is ever prepared.

    Raises:
        DataError: If there is none; ends with the command that makes it.
        ConfigError: If what is there was made with other settings.
    """
    config: DataConfig = construct(settings)
    path = store_path(config)
    if not is_there(path):
        from ecgmm.data.sources.prepare_command import prepare_command  # composes settings, for the message only

        raise DataError(
            f"{printable(path)} is not there, and evaluation prepares no store; make it first:"
            f" {printable(prepare_command(settings), 2000)}"
        )
    store = Store.open(path)
    check_same_parameters(store, config)
    return store


@lru_cache(maxsize=1)
def _opened(path: Path, made_ns: int) -> Store:
    """Open a store, once; ``made_ns`` tells a store that was made anew from the one before."""
    return Store.open(path)


def _made_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise not_read(path, error) from None


def is_there(path: Path) -> bool:
    """Tell whether there is anything at the place of a store.

    Raises:
        DataError: If the system does not let us look.
    """
    try:
        return path.exists()
    except OSError as error:
        raise not_read(path, error) from None


def store_path(config: DataConfig) -> Path:
    """Folder of the store: ``data.store``, or a name made from the settings: other settings are another store."""
    if config.store is not None:
        return Path(config.store).expanduser().resolve()
    settings = json.dumps(config.parameters(), sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
    return Path(config.stores).expanduser().resolve() / f"{config.name}-{digest}"


def check_same_parameters(store: Store, config: DataConfig) -> None:
    """Check that a store was made with the settings.

    A root that is not set is not compared, nor is another of ``DataConfig.places``: a store can be used where its raw
    data are not to be had.

    Raises:
        ConfigError: If it was not; names the first setting that differs.
    """
    wanted, made = config.parameters(), store.manifest["parameters"]
    digests = without_paths(wanted)
    for name in [*wanted, *(name for name in made if name not in wanted)]:
        if config.places.get(name, "") is None:
            continue
        if made.get(name) not in (wanted.get(name), digests.get(name)):
            is_path = str(made.get(name)).startswith(PATH_MARK)
            made_with = f"another data.{name}" if is_path else f"data.{name}={made.get(name)}"
            raise ConfigError(
                f"{store.path} was made with {made_with} and not {wanted.get(name)};"
                " set it so, or name another folder as data.store"
            )


def without_paths(parameters: dict[str, Any]) -> dict[str, Any]:
    """Settings with a digest in place of each path of this machine."""
    return {name: _marked(value) if _is_path(value) else value for name, value in parameters.items()}


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("/", "~"))


def _marked(path: str) -> str:
    return PATH_MARK + hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:16]
