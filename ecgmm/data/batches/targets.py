"""Targets of a task: which records it uses and what it has to predict, from a table of labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.errors import ConfigError

SELECTIONS = ("exactly_one", "priority", "all")
KINDS = ("hard", "soft")
MODALITIES = ("any", "both")


@dataclass(frozen=True)
class Targets:
    """Targets of every row of a store.

    Attributes:
        values: What evaluation compares with: int64 ``[N]`` class numbers (selections ``exactly_one`` and ``priority``)
            or float32 0 and 1 ``[N, K]`` (``all``). Rows that are not usable hold zeros.
        training: What the loss compares with: ``values``, or float32 ``[N, K]`` in [0, 1] for soft targets, which sum
            to 1 in a row where ``values`` are class numbers.
        usable: bool ``[N]``, True for the rows that take part.
        present: bool ``[N, K]``, the classes that each row has before the selection; False where nothing is known.
        left_out: bool ``[N]`` by reason, the rows that do not take part; each row has one reason.
        class_names: The K classes, in column order.
    """

    values: NDArray[Any]
    training: NDArray[Any]
    usable: NDArray[np.bool_]
    present: NDArray[np.bool_]
    left_out: dict[str, NDArray[np.bool_]]
    class_names: tuple[str, ...]

    @property
    def dropped(self) -> dict[str, int]:
        """Number of rows that do not take part, by reason."""
        return {reason: int(rows.sum()) for reason, rows in self.left_out.items()}

    def without(self, rows: NDArray[np.bool_], reason: str) -> Self:
        """The targets in which further rows, bool ``[N]``, do not take part."""
        left_out = {**self.left_out, reason: self.usable & rows}
        return replace(self, usable=self.usable & ~rows, left_out=left_out)


def make_targets(labels: LabelTable, selection: str, priority: Sequence[str], kind: str) -> Targets:
    """Select the records that take part, and their classes.

    Args:
        labels: Labels of all rows of a store; see ``LabelTable.present``.
        selection: ``exactly_one`` drops records with several classes, ``priority`` keeps the first of ``priority``,
            ``all`` keeps every class, and records of none where the set is not exhaustive: no is an answer too.
        priority: Order of the classes for ``priority``; it may name more than there are.
        kind: ``hard`` trains with the labels, ``soft`` with their certainty (see ``class_probabilities``).

    Returns:
        Targets for all rows.

    Raises:
        ConfigError: If one of the choices does not fit the label set.
    """
    name_of_set, classes = labels.label_set.name, labels.label_set.answers(selection)
    for name, chosen, choices in (("task.selection", selection, SELECTIONS), ("task.targets", kind, KINDS)):
        if chosen not in choices:
            raise ConfigError(f"{name} is {chosen!r}; choose one of {', '.join(choices)}")
    if selection != "all" and len(classes) == 1:
        raise ConfigError(
            f"labels={name_of_set} has one class, {classes[0]}, which has no counterpart among the classes that one is"
            " chosen from; set task=multilabel, where no is an answer too"
        )
    if selection == "priority" and not set(classes) <= set(priority):
        raise ConfigError(f"labels.priority is {list(priority)}; it must order {', '.join(classes)}")
    known = labels.known
    certainty = np.where(known[:, None], labels.values, np.float32(0))
    present = labels.present
    if len(classes) > len(labels.label_set.classes):  # no is a class of its own
        certainty = np.where(known[:, None], np.hstack([1 - certainty, certainty]), np.float32(0))
        present = np.hstack([known[:, None] & ~present, present])
    n_present = present.sum(axis=1)
    usable = known if selection == "all" and not labels.label_set.exhaustive else known & (n_present > 0)
    left_out = {"the label set says nothing": ~known, "no class of the label set": known & ~usable}
    if selection == "exactly_one":
        left_out["several classes"] = usable & (n_present > 1)
        usable = usable & (n_present == 1)
    if selection == "all":
        values, soft = present.astype(np.float32), certainty
    else:
        first = [name for name in priority if name in classes] if selection == "priority" else list(classes)
        order = np.array([list(classes).index(name) for name in first])
        values, soft = order[present[:, order].argmax(axis=1)].astype(np.int64), class_probabilities(certainty)
    values[~usable] = 0
    return Targets(values, soft if kind == "soft" else values, usable, present, left_out, classes)


def class_probabilities(certainty: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn certainties into one distribution per row.

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
