"""Store that a run is evaluated on: its own, one in a folder, or the one that settings describe; none is prepared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ecgmm.building import construct
from ecgmm.data.preparation.opening import open_prepared
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.prepare_command import prepare_command_like
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, printable
from ecgmm.runs.saved_model import Signal
from ecgmm.runs.store_of_run import store_of_run

OtherStore = Path | DictConfig | None
"""Folder of a store, settings ``data`` that describe one, or None for the run's own."""


def named_store(store: str | None, data: DictConfig | None) -> OtherStore:
    """The other store that the settings ``store`` and ``data`` of a command name, if any.

    Raises:
        ConfigError: If both do.
    """
    if store is not None and data is not None:
        raise ConfigError("both store and data name a store; give the folder as store=..., or its settings as data=...")
    return data if store is None else Path(store)


def open_other(
    other: OtherStore,
    signal: Signal,
    fingerprint: str,
    data: Mapping[str, Any],
    labels: Mapping[str, Any],
    stores: Path,
) -> tuple[Store, LabelSettings]:
    """Open the store that a run is evaluated on.

    Args:
        other: Which one; of settings, rate and length of the window are the model's, whatever they say.
        signal: Rate and window of the model.
        fingerprint: Of the run's own store.
        data: Settings ``data`` of the run.
        labels: Settings ``labels``.
        stores: Where its own store is looked for.

    Returns:
        The store, and the settings that its labels hang on.

    Raises:
        DataError: If it is not there, or damaged.
        ConfigError: If its rate or window is not the model's.
    """
    if isinstance(other, DictConfig):
        length_s = signal.n_times / signal.rate_hz
        form = {"rate_hz": round(signal.rate_hz), "window": {"length_s": length_s}}
        settings = OmegaConf.merge(other, form)
        assert isinstance(settings, DictConfig)
        store, source = open_prepared(settings), construct(settings)
    else:
        source = construct(data)
        if other is None:
            how = "paths.stores=..., or itself with store=..."
            store = store_of_run(fingerprint, stores, data, how)
        else:
            store = Store.open(other)
    check_signal(signal, store)
    return store, source.label_settings_with(labels)


def check_signal(signal: Signal, store: Store) -> None:
    """Refuse a store whose rows are not of the rate and length that a model takes.

    Raises:
        ConfigError: With the command that prepares one that is.
    """
    for name, trained_at in (("rate_hz", signal.rate_hz), ("n_times", signal.n_times)):
        if store.manifest[name] != trained_at:
            command = prepare_command_like(store.manifest, signal.rate_hz, signal.n_times / signal.rate_hz)
            raise ConfigError(
                f"{store.path} has {name} {store.manifest[name]} and the model was trained at {trained_at};"
                " prepare the store with the same data.rate_hz and data.window"
                f"{command and f': {printable(command, 2000)}'}"
            )
