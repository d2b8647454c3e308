"""Opening the labels of a store: made when first asked for, kept beside the store, made anew when rules change."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from ecgmm.data.sources.labels.definition import GONE, Definition, Reader
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.label_table import (
    LabelTable,
    digest_of,
    folder_of,
    read_table,
    write_table,
)
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.locks import one_process

log = logging.getLogger(__name__)

_DEFAULTS = LabelSettings()


def open_labels(store: Store, name: str, settings: LabelSettings = _DEFAULTS) -> LabelTable:
    """Open the labels of a store; made first where there are none of these rules and settings.

    Neither waveforms nor the raw tree are read: labels come from the store's evidence or from a file that the settings
    name. Where that file, or a further one of the user's own labels, is gone, the labels that were read from it before
    are taken.

    Args:
        store: An open store.
        name: Name of the label set, as in ``superclass``.
        settings: Settings that labels may hang on.

    Raises:
        ConfigError: If there is no such label set, or the store and settings have no evidence for it.
        DataError: If the file that the settings name cannot be used, or the labels cannot be written.
    """
    definition = definition_of(name)
    reader = next((reader for reader in definition.readers if reader.fits(store, settings)), None)
    if reader is None:
        raise _no_labels(name)
    made_from = {"labels": name, "store": store.fingerprint, **reader.decided_by(settings)}
    if reader.file:
        path: Path = getattr(settings, reader.file)
        from ecgmm.data.sources.tree_reading import is_tree_file, tree_sha256  # other labels need no file

        made_from["file"] = tree_sha256(path) if path.exists() or is_tree_file(path) else GONE
        if GONE in (made_from["file"], *made_from.get("own", {}).values()):
            return _read_before(store, name, made_from, path, reader.cure)
    file = folder_of(store.path) / f"{name}-{digest_of(made_from)}.parquet"
    n_rows = store.records.height
    table = read_table(file, n_rows)
    if table is not None:
        return table
    if not _can_write(file.parent):
        log.warning("%s cannot be written; labels are made anew for every run", printable(file.parent))
        return _make(store, definition, reader, settings, made_from)
    with one_process(file, "makes labels at"):
        table = read_table(file, n_rows)  # another process may have made it meanwhile
        if table is None:
            if file.exists():
                log.warning("%s is damaged and is made again", printable(file))
            table = _make(store, definition, reader, settings, made_from)
            write_table(file, table)
    return table


def _make(
    store: Store, definition: Definition, reader: Reader, settings: LabelSettings, made_from: dict[str, Any]
) -> LabelTable:
    read = reader.read(store, settings)
    label_set = definition.described(reader, read)
    if not label_set.classes:
        raise _no_labels(definition.name)
    rows = store.records.select("record").join(read.frame, on="record", how="left", maintain_order="left")
    values = rows.select(label_set.classes).fill_null(float("nan")).to_numpy().astype(np.float32, copy=False)
    table = LabelTable(label_set, values, made_from)
    n_unknown = int((~table.known).sum())
    noted = [f"{what}: {count:,}" for what, count in label_set.notes.items() if count]
    log.info(
        "labels %s, from source %s: %s",
        definition.name,
        label_set.source,
        "; ".join([f"{len(label_set.classes)} classes", f"rows without a label: {n_unknown:,}", *noted]),
    )
    return table


def _read_before(store: Store, name: str, made_from: dict[str, Any], path: Path, cure: str) -> LabelTable:
    """The table that was read from files of which one is gone; all else is as asked for."""
    tables = [read_table(file, store.records.height) for file in folder_of(store.path).glob(f"{name}-*.parquet")]
    fitting = [table for table in tables if table and _with_gone(table.made_from, made_from) == made_from]
    if len(fitting) != 1:
        gone = [printable(path)] if made_from["file"] == GONE else []
        gone += [f"the file of labels.{key}" for key, value in made_from.get("own", {}).items() if value == GONE]
        raise DataError(f"{' and '.join(gone)} is missing; {cure}")
    log.info("%s is not there as it was; labels that were read from it before are used", printable(path))
    return fitting[0]


def _with_gone(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """What decided a table, without the digests of the files that are gone."""
    return {
        key: _with_gone(value, ours[key])
        if isinstance(value, dict) and isinstance(ours.get(key), dict)
        else GONE
        if ours.get(key) == GONE
        else value
        for key, value in theirs.items()
    }


def _can_write(folder: Path) -> bool:
    return os.access(folder if folder.exists() else folder.parent, os.W_OK)


def _no_labels(name: str) -> ConfigError:
    return ConfigError(
        f"the store has no label set {name!r}; prepare it from a source that carries these labels (icd_cardiac and"
        " icd_multilabel need data.icd.csv, the latter codes with data.icd.min_records records; table needs"
        " data.labels_csv; ptb_xl_* need PTB-XL with the columns of its scp_statements.csv)"
    )
