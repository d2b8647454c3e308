"""Classes with too few records to learn from: dropped by ``labels.min_records``, and named."""

import logging

import polars as pl

from ecgmm.data.sources.labels.definition import ReadLabels
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, printable

log = logging.getLogger(__name__)


def without_rare_classes(labels: ReadLabels, store: Store, fewest: int, least: float) -> ReadLabels:
    """Drop the classes that fewer records of the training split have.

    Args:
        labels: As a reader gives them.
        store: The store.
        fewest: How many records a class needs; 0 keeps every class.
        least: See ``LabelSet``.

    Returns:
        The labels that are left; notes tell how many records of the store each dropped class has.

    Raises:
        ConfigError: If none is left.
    """
    classes = [name for name in labels.frame.columns if name != "record"]
    has = pl.col(classes) >= least if least else pl.col(classes) > 0
    records = store.records.select("record", "split").unique("record")
    there = labels.frame.join(records, on="record")
    training = there.filter(pl.col("split") == "train").select(has.sum()).row(0, named=True)
    rare = [name for name in classes if training[name] < fewest]
    if not rare:
        return labels
    if len(rare) == len(classes):
        raise ConfigError(
            f"no class has the {fewest} training records of labels.min_records; the most are {max(training.values())}"
        )
    counts = there.select(pl.col(rare) >= least if least else pl.col(rare) > 0).sum().row(0, named=True)
    log.warning(
        "labels.min_records=%d leaves out %d of %d classes, which fewer records of the training split have: %s",
        fewest,
        len(rare),
        len(classes),
        printable(", ".join(rare), 400),
    )
    notes = {f"class {name} left out by labels.min_records, records": counts[name] for name in rare}
    return labels._replace(frame=labels.frame.drop(rare), notes={**labels.notes, **notes})
