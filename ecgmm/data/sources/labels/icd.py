"""Labels from the discharge diagnoses of MIMIC-IV-ECG-Ext-ICD (``records_w_diag_icd10.csv``), joined on ``study_id``.

Source: Strodthoff et al., MIMIC-IV-ECG-Ext-ICD 1.0.1, PhysioNet (credentialed). The only labels of MIMIC-IV-ECG that
were made neither from the tracing nor from the statements about it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.sources.index_tables import INTEGER, TEXT, Kind, read_values, to_integer_of
from ecgmm.data.sources.known_values import check_share, is_filled
from ecgmm.data.sources.labels.icd_codes import (
    CARDIAC,
    NO_MAP,
    cardiac_groups,
    frequent_codes,
    indicators,
    is_icd10,
    parse_lists,
    with_ancestors,
)
from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.store.splits import Folds
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import file_sha256

FOLDS = Folds(train=list(range(18)), val=[18], test=[19])
"""The published use of the file's column ``fold``."""
DIAGNOSES = "all_diag_all"
"""Column of the diagnoses of every stay, in hospital or emergency department, within which the record was taken."""
_KINDS = {"study_id": INTEGER, DIAGNOSES: TEXT, "fold": Kind("fold from 0 to 19", to_integer_of(0, 19))}
_PUBLISHED = "use records_w_diag_icd10.csv as it was published"


@dataclass(kw_only=True)
class IcdSettings:
    """Settings of the labels from discharge diagnoses.

    Attributes:
        csv: ``records_w_diag_icd10.csv``; None makes no such labels.
        min_records: ``icd_multilabel`` keeps the codes that at least so many records of the tree have.
        use_folds: Whether the file's folds are the split; records that it does not list are then dropped.
    """

    csv: str | None
    min_records: int
    use_folds: bool

    def __post_init__(self) -> None:
        if self.min_records < 1:
            raise ConfigError(f"data.icd.min_records is {self.min_records}; it must be 1 or more")
        if self.use_folds and self.csv is None:
            raise ConfigError("data.icd.use_folds=true needs the file that holds the folds; set data.icd.csv")

    @property
    def folds(self) -> Folds | None:
        """Folds of each split, or None where patients are split by hash."""
        return FOLDS if self.use_folds else None


@dataclass
class IcdLabels:
    """What the file says of the records of a tree.

    Attributes:
        labels: ``icd_cardiac`` and, unless every code is too rare, ``icd_multilabel``.
        frame: Their label columns, and ``fold`` (int64, null where the file does not list the record).
        sha256: sha256 of the file, by name.
        unreadable: As in ``index_tables.Values``.
    """

    labels: list[LabelSet]
    frame: pl.DataFrame
    sha256: dict[str, str]
    unreadable: dict[str, int]


def read_icd(path: Path, records: pl.Series, min_records: int, cure: str) -> IcdLabels:
    """Read the file and make both label sets.

    Args:
        path: The file.
        records: Record ids (``study_id``) of the tree.
        min_records: See ``IcdSettings``.
        cure: What the user should do when the file is not there.

    Returns:
        Labels in the order of ``records``. Null for a record without diagnoses: it was taken outside any stay, its list
        cannot be read, or the file does not list it or lists it twice and differently.

    Raises:
        DataError: If the file is missing, is no CSV or lacks a column, lists none of the records, or too much of it is
            not understood (``known_values.check_share``).
    """
    table = read_values(path, _KINDS, cure)
    text = pl.when(is_filled(pl.col(DIAGNOSES))).then(pl.col(DIAGNOSES))
    entries = table.frame.select(record="study_id", fold="fold", text=text).unique().drop_nulls("record")
    twice = entries.filter(pl.col("record").is_duplicated())["record"].unique()
    entries = entries.filter(~pl.col("record").is_in(twice.implode())).with_columns(listed=True)
    parsed = parse_lists(entries["text"].unique())
    joined = (
        pl.DataFrame({"record": records})
        .join(entries, on="record", how="left", maintain_order="left")
        .join(parsed, on="text", how="left", maintain_order="left")
        .with_row_index("row")
    )
    if not joined["listed"].any():
        raise DataError(f"{printable(path)} lists none of the records; its study_id must be that of record_list.csv")
    written = joined.select("row", code="codes").explode("code").drop_nulls()
    valid = written.filter(is_icd10(pl.col("code")))
    unread = joined.filter(pl.col("text").is_not_null() & pl.col("codes").is_null())["text"]
    unknown = written.filter(~is_icd10(pl.col("code")))["code"]
    _check(path, "values of column {} are no list of codes", unread, joined["text"].count())
    _check(path, "codes of column {} are no ICD-10 codes", unknown.filter(unknown != NO_MAP), written.height)
    notes = {
        "records listed twice and differently": int(records.is_in(twice.implode()).sum()),
        "records not listed": int(joined["listed"].null_count() - records.is_in(twice.implode()).sum()),
        "lists that cannot be read": len(unread),
        "unknown codes": len(unknown),
    }
    labels, columns = _label_sets(valid.unique(), joined.height, min_records, notes)
    frame = columns.with_columns(joined["fold"])
    return IcdLabels(labels, frame, {path.name: file_sha256(path)}, table.unreadable)


def _check(path: Path, what: str, unreadable: pl.Series, n_filled: int) -> None:
    check_share(path, what.format(DIAGNOSES), len(unreadable), n_filled, next(iter(unreadable), ""), _PUBLISHED)


def _label_sets(
    codes: pl.DataFrame, n_rows: int, min_records: int, notes: dict[str, int]
) -> tuple[list[LabelSet], pl.DataFrame]:
    known = np.zeros(n_rows, dtype=bool)
    known[codes["row"].to_numpy()] = True
    version = f"MIMIC-IV-ECG-Ext-ICD {DIAGNOSES}"
    groups = cardiac_groups(codes)
    cardiac = LabelSet("icd_cardiac", tuple(CARDIAC), "icd", f"{version}, first class by priority; 1", notes, True)
    nested = with_ancestors(codes)
    frequent = frequent_codes(nested, min_records)
    all_notes = {**notes, "codes below data.icd.min_records": nested["code"].n_unique() - len(frequent)}
    version = f"{version}, codes and ancestors of at least {min_records} records; 1"
    multilabel = LabelSet("icd_multilabel", tuple(frequent), "icd", version, all_notes)
    columns = _columns(cardiac, groups, known) | _columns(multilabel, nested, known)
    return [cardiac, multilabel] if frequent else [cardiac], pl.DataFrame(columns)


def _columns(labels: LabelSet, codes: pl.DataFrame, known: NDArray[np.bool_]) -> dict[str, pl.Series]:
    values = indicators(codes, labels.classes, len(known))
    values[:, ~known] = np.nan
    columns = zip(labels.columns, values, strict=True)
    return {name: pl.Series(name, column, nan_to_null=True) for name, column in columns}
