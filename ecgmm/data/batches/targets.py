"""Which records a task uses and what it has to predict: from the store's label columns to target arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.errors import ConfigError

POLICIES = ("exactly_one", "priority", "all")
KINDS = ("hard", "soft")


@dataclass(frozen=True)
class Targets:
    """Targets of every row of a store.

    Attributes:
        values: What evaluation compares with: int64 ``[N]`` class numbers (policies ``exactly_one`` and ``priority``)
            or float32 0 and 1 ``[N, K]`` (``all``). Rows that are not usable hold zeros.
        training: What the loss compares with: ``values``, or float32 ``[N, K]`` in [0, 1] for soft targets, which sum
            to 1 in a row where ``values`` are class numbers.
        usable: bool ``[N]``, True for the rows that take part.
        present: bool ``[N, K]``, the classes that each row has before the policy; False where nothing is known.
        dropped: Number of rows that do not take part, by reason.
        class_names: The K classes, in column order.
    """

    values: NDArray[Any]
    training: NDArray[Any]
    usable: NDArray[np.bool_]
    present: NDArray[np.bool_]
    dropped: dict[str, int]
    class_names: tuple[str, ...]


def make_targets(
    records: pl.DataFrame,
    label_set: str,
    classes: Sequence[str],
    policy: str,
    priority: Sequence[str],
    kind: str,
    exhaustive: bool = True,
) -> Targets:
    """Apply a policy to the columns ``label.<label_set>.<class>``; a value above 0 is a label.

    Args:
        records: The store's records.
        label_set: Name of the label set.
        classes: Its classes, in order.
        policy: ``exactly_one`` drops records with several classes, ``priority`` keeps the first of ``priority``,
            ``all`` keeps every class, and records of none where the set is not exhaustive: no is an answer too.
        priority: Order of the classes for ``priority``; it may name more than there are.
        kind: ``hard`` trains with the labels, ``soft`` with their certainty (see ``class_probabilities``).
        exhaustive: See ``LabelSet``; records of none of the classes then take no part.

    Returns:
        Targets for all rows.

    Raises:
        ConfigError: If the store lacks the label set or one of the choices does not fit.
    """
    columns = [f"label.{label_set}.{name}" for name in classes]
    if not classes or not set(columns) <= set(records.columns):
        raise ConfigError(
            f"the store has no label set {label_set!r}; prepare it from a source that carries these labels"
            " (icd_cardiac and icd_multilabel need data.icd.csv, the latter codes with data.icd.min_records records)"
        )
    for name, chosen, choices in (("task.policy", policy, POLICIES), ("task.targets", kind, KINDS)):
        if chosen not in choices:
            raise ConfigError(f"{name} is {chosen!r}; choose one of {', '.join(choices)}")
    if policy != "all" and len(classes) == 1:
        raise ConfigError(
            f"labels={label_set} has one class, {classes[0]}, which has no counterpart among the classes that one is"
            " chosen from; set task=multilabel, where no is an answer too"
        )
    if policy == "priority" and not set(classes) <= set(priority):
        raise ConfigError(f"labels.priority is {list(priority)}; it must order {', '.join(classes)}")
    certainty = records.select(columns).cast(pl.Float32).fill_null(float("nan")).to_numpy()
    known = ~np.isnan(certainty).any(axis=1)
    certainty = np.where(known[:, None], certainty, np.float32(0))
    present = certainty > 0
    n_present = present.sum(axis=1)
    usable = known if policy == "all" and not exhaustive else known & (n_present > 0)
    dropped = {
        "the label set says nothing": int((~known).sum()),
        "no class of the label set": int((known & ~usable).sum()),
    }
    if policy == "exactly_one":
        dropped["several classes"] = int((usable & (n_present > 1)).sum())
        usable = usable & (n_present == 1)
    if policy == "all":
        values, soft = present.astype(np.float32), certainty
    else:
        first = [name for name in priority if name in classes] if policy == "priority" else list(classes)
        order = np.array([list(classes).index(name) for name in first])
        values, soft = order[present[:, order].argmax(axis=1)].astype(np.int64), class_probabilities(certainty)
    values[~usable] = 0
    return Targets(values, soft if kind == "soft" else values, usable, present, dropped, tuple(classes))


def class_probabilities(certainty: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn certainties into one distribution a row.

    What the certainties leave open (their sum stays below 1) goes to all classes evenly, so that a class stated with
    certainty v gets v + (1 - v) / K; certainties that sum to more than 1 are divided by their sum.

    Args:
        certainty: float32 ``[N, K]`` in [0, 1].

    Returns:
        float32 ``[N, K]``, rows that sum to 1.
    """
    total = certainty.sum(axis=1, keepdims=True)
    left_open = np.maximum(1 - total, 0) / certainty.shape[1]
    shares: NDArray[np.float32] = certainty / np.maximum(total, 1) + left_open
    return shares
