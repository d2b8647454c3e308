"""Which records a task uses and what it has to predict: from the store's label columns to a target array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import ConfigError

POLICIES = ("exactly_one", "priority", "all")


@dataclass(frozen=True)
class Targets:
    """Targets of every row of a store.

    Attributes:
        values: int64 ``[N]`` class numbers (policies ``exactly_one`` and ``priority``) or float32 ``[N, K]`` (``all``).
            Rows that are not usable hold zeros.
        usable: bool ``[N]``, True for the rows that take part.
        dropped: Number of rows that do not take part, by reason.
        class_names: The K classes, in column order.
    """

    values: NDArray[Any]
    usable: NDArray[np.bool_]
    dropped: dict[str, int]
    class_names: tuple[str, ...]


def make_targets(
    records: pl.DataFrame, label_set: str, classes: Sequence[str], policy: str, priority: Sequence[str]
) -> Targets:
    """Apply a policy to the columns ``label.<label_set>.<class>``.

    Args:
        records: The store's records.
        label_set: Name of the label set.
        classes: Its classes, in order.
        policy: ``exactly_one`` drops records with several classes, ``priority`` keeps the first of ``priority``,
            ``all`` keeps every class.
        priority: Order of the classes for ``priority``.

    Returns:
        Targets for all rows.

    Raises:
        ConfigError: If the store lacks the label set or the policy or priority does not fit.
    """
    columns = [f"label.{label_set}.{name}" for name in classes]
    if not classes or not set(columns) <= set(records.columns):
        raise ConfigError(
            f"the store has no label set {label_set!r}; prepare it from a source that carries these labels"
        )
    if policy not in POLICIES:
        raise ConfigError(f"task.policy is {policy!r}; choose one of {', '.join(POLICIES)}")
    if policy == "priority" and sorted(priority) != sorted(classes):
        raise ConfigError(f"labels.priority is {list(priority)}; it must order exactly {', '.join(classes)}")
    values = records.select(columns).cast(pl.Float32).fill_null(float("nan")).to_numpy()
    known = ~np.isnan(values).any(axis=1)
    present = np.where(known[:, None], values, 0) > 0
    n_present = present.sum(axis=1)
    usable = known & (n_present > 0)
    dropped = {
        "the label set says nothing": int((~known).sum()),
        "no class of the label set": int((known & (n_present == 0)).sum()),
    }
    names = tuple(classes)
    if policy == "all":
        return Targets(np.where(usable[:, None], values, 0).astype(np.float32), usable, dropped, names)
    if policy == "exactly_one":
        dropped["several classes"] = int((usable & (n_present > 1)).sum())
        usable = usable & (n_present == 1)
        numbers = present.argmax(axis=1)
    else:
        order = np.array([list(classes).index(name) for name in priority])
        numbers = order[present[:, order].argmax(axis=1)]
    return Targets(np.where(usable, numbers, 0).astype(np.int64), usable, dropped, names)
