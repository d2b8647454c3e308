"""Classes of a store brought to those of a model that was trained for others: matched by name, or as the user says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.batches.targets import Targets
from ecgmm.data.sources.own_tables import read_own_table
from ecgmm.errors import ConfigError, DataError, printable

COLUMNS = ("store_class", "model_class")
"""Columns of a class map in a file."""
NO_COMMON_CLASS = "no class that the model knows too"


@dataclass(frozen=True)
class ClassMatch:
    """Classes of a store and of a model side by side.

    Attributes:
        model_class_of: Class of the model that each class of the store stands for, in the order of the store; only
            those that have one.
        common: Classes of the model that the store has too, in the order of the model.
        only_model: The other classes of the model.
        only_store: The other classes of the store.
    """

    model_class_of: dict[str, str]
    common: tuple[str, ...]
    only_model: tuple[str, ...]
    only_store: tuple[str, ...]

    @staticmethod
    def of(store_classes: Sequence[str], model_classes: Sequence[str], class_map: Mapping[str, str]) -> "ClassMatch":
        """Match classes.

        Args:
            store_classes: Of the label set of the store.
            model_classes: Those that the model was trained for.
            class_map: Class of the model by class of the store, where the names differ; several may become one.

        Raises:
            ConfigError: If the map names a class that is not there.
        """
        for at, named, known in (
            ("store", class_map.keys(), store_classes),
            ("model", class_map.values(), model_classes),
        ):
            wrong = [name for name in named if name not in known]
            if wrong:
                raise ConfigError(
                    f"classes.map names {printable(wrong[0])!r} and the {at} has {_listed(known)}; write"
                    " classes.map={CLASS_OF_THE_STORE: CLASS_OF_THE_MODEL}"
                )
        own = {name: class_map.get(name, name) for name in store_classes}
        model_class_of = {name: meant for name, meant in own.items() if meant in model_classes}
        return ClassMatch(
            model_class_of,
            tuple(name for name in model_classes if name in model_class_of.values()),
            tuple(name for name in model_classes if name not in model_class_of.values()),
            tuple(name for name in store_classes if name not in model_class_of),
        )

    def require(self, least: int) -> None:
        """Refuse to measure where too few classes are common.

        Raises:
            ConfigError: If there are fewer than ``least``.
        """
        if len(self.common) < least:
            raise ConfigError(
                f"the model and the store have {len(self.common)} classes in common and at least {least} are needed;"
                f" only the model has {_listed(self.only_model)}, only the store {_listed(self.only_store)}: choose the"
                " store's label set with labels=..., or match classes of other names with"
                " classes.map={CLASS_OF_THE_STORE: CLASS_OF_THE_MODEL}"
            )

    def targets(self, targets: Targets) -> Targets:
        """Targets in the common classes; what has none of them takes no part, and is counted.

        A yes for any class of the store that stands for a class of the model is a yes for that one. In a task of one
        class a record, a record whose class is not common is left out; in one of several classes a record that has
        classes, none of them common, is left out as well.
        """
        n_common = len(self.common)
        common_of = np.array(
            [
                self.common.index(self.model_class_of[name]) if name in self.model_class_of else -1
                for name in targets.class_names
            ]
        )
        present = _any_of(targets.present, common_of, n_common)
        if targets.values.ndim == 1:
            values = np.maximum(common_of[targets.values], 0)
            usable = targets.usable & (common_of[targets.values] >= 0)
        else:
            values = _any_of(targets.values > 0, common_of, n_common).astype(targets.values.dtype)
            usable = targets.usable & (present.any(axis=1) | ~targets.present.any(axis=1))
        values[~usable] = 0
        left_out = {**targets.left_out, NO_COMMON_CLASS: targets.usable & ~usable}
        return replace(
            targets,
            values=values,
            training=values,
            usable=usable,
            present=present,
            left_out=left_out,
            class_names=self.common,
        )


def _any_of(present: NDArray[np.bool_], common_of: NDArray[Any], n_common: int) -> NDArray[np.bool_]:
    """Bool ``[N, common]`` of bool ``[N, K]``: whether any of the columns that become one is true."""
    columns = [present[:, common_of == k].any(axis=1) for k in range(n_common)]
    return np.stack(columns, axis=1)


def read_class_map(given: Mapping[str, str] | str | None) -> dict[str, str]:
    """The class map of a setting.

    Args:
        given: The map itself, or a CSV file with the columns ``store_class`` and ``model_class``; None for no map.

    Raises:
        DataError: If the file cannot be read, or is no such table.
    """
    if not isinstance(given, str):
        return dict(given or {})
    path = Path(given)
    table = read_own_table(path)
    if not set(COLUMNS) <= set(table.frame.columns):
        raise DataError(f"{printable(path)} must have the columns {' and '.join(COLUMNS)} in its first line")
    found: dict[str, str] = {}
    for line, (name, meant) in zip(table.lines, table.frame.select(COLUMNS).iter_rows(), strict=True):
        if not name or not meant or found.setdefault(name, meant) != meant:
            raise DataError(
                f"{printable(path)}: line {line} lacks a class, or gives {printable(name)!r} another class than a line"
                " before; give each class of the store one class of the model"
            )
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names[:20])) + (", ..." if len(names) > 20 else "") or "none"
