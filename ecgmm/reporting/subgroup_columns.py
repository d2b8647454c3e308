"""Groups of test records by what the store knows of person, recorder and signal, and which of them may be shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.store import Store
from ecgmm.errors import DataError, UserError, printable
from ecgmm.evaluation.subgroups import Bools, cases_of
from ecgmm.runs.configuration import read_config
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import store_of_run

_AGES = {"below 40 years": 40, "40 to 64 years": 65, "65 to 79 years": 80, "80 years or more": math.inf}
_QUALITIES = {"below 0.5": 0.5, "0.5 to 0.8": 0.8, "0.8 or more": math.inf}


def _band(column: str, ends: dict[str, float]) -> pl.Expr:
    """Name of the first band that ends above the value."""
    bands = [pl.when(pl.col(column) < end).then(pl.lit(name)) for name, end in ends.items()]
    return pl.coalesce(bands)


GROUPINGS = {
    "sex": pl.col("sex"),
    "age": _band("age", _AGES),
    "device": pl.col("device"),
    "site": pl.col("site"),
    "quality": _band("quality", _QUALITIES),
    "report": pl.when(pl.col("report") >= 0).then(pl.lit("with report")).otherwise(pl.lit("without report")),
}
"""What each record belongs to, by grouping; null where it is not known. Ages above 89 stand in stores as 90."""
UNKNOWN, REST = "unknown", "the rest"
_MOST_GROUPS = 10


@dataclass(frozen=True)
class Limits:
    """What a group must have to be shown.

    Attributes:
        patients: Patients of a group, and of the rest that it is compared with.
        cases: Patients with a class, and patients without, on either side; other classes are left out of its means.
    """

    patients: int = 20
    cases: int = 10


@dataclass(frozen=True)
class Group:
    """One group that is shown.

    Attributes:
        grouping: Such as ``sex``.
        name: Such as ``female``.
        against: What it is compared with, such as ``male`` or ``the rest``; empty where it is not compared.
        chosen: Its records ``[n]``.
        rest: Records that it is compared with ``[n]``.
        classes: Numbers of the classes with enough cases on either side.
        size: Records and patients; None where they would tell how small a hidden group is.
    """

    grouping: str
    name: str
    against: str
    chosen: Bools
    rest: Bools
    classes: list[int]
    size: tuple[int, int] | None


@dataclass(frozen=True)
class Groups:
    """All groups of some test records.

    Attributes:
        shown: In order of grouping and name.
        hidden: Grouping, name and reason of those that are not.
    """

    shown: list[Group]
    hidden: list[tuple[str, str, str]]


def groups_of(run: Run, positive: Bools, by: Sequence[str], limits: Limits, stores: Path) -> Groups:
    """Groups of the test records of a run.

    Args:
        run: A finished run.
        positive: Whether each record is of each class ``[n, K]``.
        by: Names of ``GROUPINGS``.
        limits: What a group must have.
        stores: Folder that holds the run's store.

    Raises:
        UserError: If a grouping is unknown, or the store is not there or holds other records.
    """
    unknown = [name for name in by if name not in GROUPINGS]
    if unknown:
        raise UserError(f"there is no grouping {printable(unknown[0])}; choose of {', '.join(GROUPINGS)}")
    known = _columns(run, stores)
    shown: list[Group] = []
    hidden: list[tuple[str, str, str]] = []
    for grouping in by:
        values = known.select(GROUPINGS[grouping].alias("group"))["group"]
        if values.null_count() == len(values):
            hidden.append((grouping, "all", f"the store knows the {grouping} of no test record"))
            continue
        some, others = _split(grouping, values, run.patients, positive, limits)
        shown += some
        hidden += others
    return Groups(shown, hidden)


def _columns(run: Run, stores: Path) -> pl.DataFrame:
    """What the store knows of each test record."""
    settings = read_config(run.directory, run.facts.files)
    store: Store = store_of_run(run.facts.data.fingerprint, stores, settings.get("data"), "--stores ...")
    rows = run.rows
    if (
        rows.max(initial=-1) >= store.records.height
        or (store.records["record"].gather(rows).to_numpy() != run.test["record"].to_numpy()).any()
    ):
        raise DataError(f"{printable(run.directory)}: its test records are not those of its store; train it again")
    return store.records[rows]


def _split(
    grouping: str, values: pl.Series, patients: NDArray[np.int64], positive: Bools, limits: Limits
) -> tuple[list[Group], list[tuple[str, str, str]]]:
    known = values.is_not_null().to_numpy()
    masks = {name: (values == name).fill_null(value=False).to_numpy() for name in _names(grouping, values)}
    counted = {name: len(np.unique(patients[mask])) for name, mask in masks.items()}
    listed = sorted(counted, key=counted.__getitem__, reverse=True)[:_MOST_GROUPS]
    unknown = {UNKNOWN: ~known} if (~known).any() else {}
    groups, hidden = [], []
    for name, mask in (masks | unknown).items():
        rest = np.zeros_like(known) if name == UNKNOWN else known & ~mask
        compared = len(np.unique(patients[rest])) >= limits.patients
        enough = [cases_of(positive, patients, side) >= limits.cases for side in (mask, rest)]
        classes = np.flatnonzero(enough[0]).tolist()
        on_both_sides = np.flatnonzero(enough[0] & enough[1] & compared).tolist()
        if len(np.unique(patients[mask])) < limits.patients:
            hidden.append((grouping, name, f"fewer than {limits.patients} patients"))
        elif name in masks and name not in listed:
            hidden.append((grouping, name, f"not among the {_MOST_GROUPS} largest"))
        elif not classes:
            hidden.append((grouping, name, f"no class with {limits.cases} patients who have it and as many who do not"))
        else:
            against = _against(name, list(masks)) if on_both_sides else ""
            size = (int(mask.sum()), len(np.unique(patients[mask])))
            groups.append(Group(grouping, name, against, mask, rest, on_both_sides or classes, size))
    return _sizes_kept(groups, any("fewer than" in reason for *_, reason in hidden)), hidden


def _names(grouping: str, values: pl.Series) -> list[str]:
    found = set(values.drop_nulls().to_list())
    ordered = {"age": _AGES, "quality": _QUALITIES}.get(grouping)
    return [name for name in ordered if name in found] if ordered else sorted(found)


def _against(name: str, names: list[str]) -> str:
    """Of two groups one comparison says all: that of the first with the second."""
    if len(names) == 2:
        return names[1] if name == names[0] else ""
    return REST


def _sizes_kept(groups: list[Group], some_small: bool) -> list[Group]:
    """Without the size of the smallest group where a smaller one is hidden, which subtraction from all would tell."""
    if not some_small or not groups:
        return groups
    smallest = min(groups, key=lambda group: group.size or (0, 0))
    return [replace(group, size=None) if group is smallest else group for group in groups]
