"""Refusals of splits that nothing could be learnt from or measured on, with the cure that the counts point to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.batches.targets import Targets
from ecgmm.errors import ConfigError, printable


def check_splits(
    rows: Mapping[str, NDArray[np.int64]], targets: Targets, selection: str, training: NDArray[np.bool_]
) -> None:
    """Check that every split has records, and the training records every class.

    Args:
        rows: Rows of each split that take part.
        targets: Targets of all rows.
        selection: See ``TargetChoice``.
        training: bool ``[N]``, rows of the training patients, those that take no part included.

    Raises:
        ConfigError: If not.
    """
    for split, chosen in rows.items():
        if not len(chosen):
            reasons = ", ".join(f"{count} rows: {reason}" for reason, count in targets.dropped.items() if count)
            several = "task=multilabel, " if targets.dropped.get("several classes") else ""
            raise ConfigError(
                f"the {split} split has no record that the task can use"
                f"{f' (left out of the store: {reasons})' if reasons else ''}; change {several}data.split or"
                " data.folds, task.selection, train_fraction or the limits of quality"
            )
    train = targets.values[rows["train"]]
    counts = train.sum(axis=0) if train.ndim == 2 else np.bincount(train, minlength=len(targets.class_names))
    absent = np.flatnonzero(counts == 0)
    if len(absent):
        raise _absent_classes(absent, targets, selection, training, len(train))


def _absent_classes(
    absent: NDArray[np.intp], targets: Targets, selection: str, training: NDArray[np.bool_], n_train: int
) -> ConfigError:
    """The cure for classes that no training record has left: other data, or a task that takes several classes."""
    with_class = targets.present[training].sum(axis=0)
    chosen = targets.values[training & targets.usable]
    hidden = [k for k in absent if selection != "all" and with_class[k] and not (chosen == k).any()]
    if not hidden:
        names = ", ".join(printable(targets.class_names[k]) for k in absent)
        return ConfigError(
            f"no training record has class {names} ({n_train} records); raise train_fraction or label_fraction, add"
            " data or choose another label set (labels.min_records=1 leaves such classes out, where the label set has"
            " that setting)"
        )
    names = ", ".join(printable(targets.class_names[k]) for k in hidden)
    counts = ", ".join(f"{printable(targets.class_names[k])} {with_class[k]}" for k in hidden)
    cure = "set task=multilabel, which takes all classes of a record, or "
    if selection == "priority":
        what, cure = "first in labels.priority", cure + "another order"
    else:
        what, cure = "alone", cure + "task.selection=priority, which takes the first by labels.priority"
    return ConfigError(
        f"no training record has class {names} {what} (records that have it with others: {counts}); {cure}"
    )


def require_both_answers(labels: NDArray[Any], split: str, class_names: Sequence[str]) -> None:
    """Check that a multi-label split can be measured: some class has records with it and without it.

    Args:
        labels: Of the split, float ``[n, K]``; class numbers always can.
        split: Its name.
        class_names: K names.

    Raises:
        ConfigError: If no class has both, so that no metric would be defined.
    """
    positive = labels >= 0.5
    if labels.ndim == 1 or (positive.any(axis=0) & ~positive.all(axis=0)).any():
        return
    every = [f"{printable(name)} {count}" for name, count in zip(class_names, positive.sum(axis=0), strict=True)]
    raise ConfigError(
        f"no metric is defined on the {split} split: no class has records with it and records without it"
        f" ({len(labels)} records, of them {', '.join(every[:10])}{', ...' if len(every) > 10 else ''}); choose another"
        " label set or split, or add data"
    )
