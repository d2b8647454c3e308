"""From a raw tree to stores: which stores lack which records, and so what is read together.

Paper, section 4.2: checks of the index, alignment of waveform and text one by one, fixed windows, consistent lead
order, a split fixed once. What depends on training (repair, normalisation) happens on the device later.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import polars as pl

from ecgmm.data.preparation.one_reading import read_together
from ecgmm.data.preparation.opening import check_same_parameters, is_there, store_path
from ecgmm.data.preparation.records import known_rows, with_splits
from ecgmm.data.preparation.wanted import Wanted
from ecgmm.data.sources.source import DataConfig
from ecgmm.data.sources.tree_reading import is_root
from ecgmm.data.store.partial_store import settle
from ecgmm.data.store.rows import check_all_rows
from ecgmm.data.store.store import Store
from ecgmm.locks import one_process

T = TypeVar("T")


def prepare_store(config: DataConfig) -> Path:
    """Make one store; see ``prepare_stores``."""
    [path] = prepare_stores([config])
    return path


def prepare_stores(configs: Sequence[DataConfig]) -> list[Path]:
    """Make the stores that settings describe, or add to those that are there what their source has in addition.

    Each record is read once for all stores that lack it. Each store is the one that a call of its own makes, byte for
    byte; whenever the call is killed, the next one goes on, with the same stores or with some of them.

    Args:
        configs: The settings of a source, which differ in ``rate_hz`` alone.

    Returns:
        Folders of the complete stores.

    Raises:
        DataError: If the raw tree cannot be used, no record or an empty split remains, or the disk is full.
        ConfigError: If the settings contradict one another or a store that is there.
    """
    paths = [store_path(config) for config in configs]
    with ExitStack() as locks:
        for path in sorted(paths):  # always in this order, so that no two calls wait for one another
            locks.enter_context(one_process(path, "prepares"))
        begun = [(config, _store_there(config, path)) for config, path in zip(configs, paths, strict=True)]
        lacking = [(config, base) for config, base in begun if base is None or _has_source(config)]
        for same_files in _alike(lacking, lambda one: one[0].recorded_hz):
            _prepare(same_files)
    return paths


def _store_there(config: DataConfig, path: Path) -> Store | None:
    """The store that is there, checked."""
    settle(path)
    if not is_there(path):
        return None
    store = Store.open(path)
    check_same_parameters(store, config)
    check_all_rows(store)
    return store


def _has_source(config: DataConfig) -> bool:
    return config.root is not None and is_root(Path(config.root).expanduser().resolve())


def _prepare(begun: Sequence[tuple[DataConfig, Store | None]]) -> None:
    """Make stores from the same files, or the same with more rows if the source has more."""
    config, _ = begun[0]
    index = config.read_index()
    frame, dropped = with_splits(config, index)
    none = pl.DataFrame(schema={"record": pl.Int64})
    wanted = [
        Wanted(config, store_path(config), base, none if base is None else known_rows(base, frame), index)
        for config, base in begun
    ]
    for same_records in _alike(wanted, lambda one: one.known["record"].unique().sort().to_numpy().tobytes()):
        read_together(same_records, frame, dropped)


def _alike(things: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Groups of things with the same key, in the order of their first ones."""
    groups: dict[Hashable, list[T]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return list(groups.values())
