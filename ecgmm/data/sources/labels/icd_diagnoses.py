"""Discharge diagnoses of MIMIC-IV-ECG-Ext-ICD (``records_w_diag_icd10.csv``), joined on ``study_id``.

Source: Strodthoff et al., MIMIC-IV-ECG-Ext-ICD 1.0.1, PhysioNet (credentialed). The only labels of MIMIC-IV-ECG that
were made neither from the tracing nor from the statements about it (``icd_cardiac``, ``icd_multilabel``).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.sources.index_tables import INTEGER, TEXT, Kind, read_values, to_integer_of
from ecgmm.data.sources.known_values import check_share, is_filled
from ecgmm.data.sources.labels.icd import CURE
from ecgmm.data.sources.labels.icd_codes import NO_MAP, indicators, is_icd10, parse_lists
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.tree_reading import tree_sha256
from ecgmm.errors import DataError, printable

DIAGNOSES = "all_diag_all"
"""Column of the diagnoses of every stay, in hospital or emergency department, within which the record was taken."""
PLACE_IN_STAY = "ecg_no_within_stay"
"""Column that counts the records of a stay from 0 by their times; -1 outside any stay."""
_KINDS = {"study_id": INTEGER, DIAGNOSES: TEXT, "fold": Kind("fold from 0 to 19", to_integer_of(0, 19))}
_PLACE = {PLACE_IN_STAY: Kind("place within a stay, or -1", to_integer_of(-1, 100_000))}
_NOTHING: Mapping[str, Kind] = {}
_PUBLISHED = "use records_w_diag_icd10.csv as it was published"


class Diagnoses(NamedTuple):
    """Content of the file for the records of a tree.

    Attributes:
        codes: Distinct pairs of ``row`` (place in ``records``) and ``code``, valid ICD-10 codes only.
        known: bool ``[N]``, the records with a diagnosis. Others were taken outside any stay, their list cannot be
            read, the file does not list them, or twice and differently, or they are not the first of their stay where
            only those were asked for.
        notes: Counts of what could not be used.
    """

    codes: pl.DataFrame
    known: NDArray[np.bool_]
    notes: dict[str, int]


class FoldsOfRecords(NamedTuple):
    """The file's folds.

    Attributes:
        fold: int64, one per record, null where the file does not list it.
        sha256: sha256 of the file, by name.
        unreadable: As in ``index_tables.Values``.
    """

    fold: pl.Series
    sha256: dict[str, str]
    unreadable: dict[str, int]


def read_folds(path: Path, records: pl.Series, cure: str) -> FoldsOfRecords:
    """Read the folds of records; arguments and errors as for ``read_diagnoses``."""
    listed = _listed(path, records, cure)
    return FoldsOfRecords(listed.frame["fold"], {path.name: tree_sha256(path)}, listed.unreadable)


def decided_by(settings: LabelSettings) -> dict[str, Any]:
    """What decides labels beyond the file where it is not the default, so that earlier tables stay what they are."""
    return {"first_of_stay": True} if settings.first_of_stay else {}


def read_diagnoses(path: Path, records: pl.Series, first_of_stay: bool = False, cure: str = CURE) -> Diagnoses:
    """Read the diagnoses of records.

    Args:
        path: The file.
        records: Record ids (``study_id``) of the tree.
        first_of_stay: Whether only the first record of a stay has diagnoses; of records at one time there are several.
        cure: What the user should do when the file is not there.

    Raises:
        DataError: If the file is missing, is no CSV or lacks a column, lists none of the records, or too much of it is
            not understood (``known_values.check_share``).
    """
    listed = _listed(path, records, cure, _PLACE if first_of_stay else {})
    parsed = parse_lists(listed.frame["text"].drop_nulls().unique())
    joined = listed.frame.join(parsed, on="text", how="left", maintain_order="left").with_row_index("row")
    written = joined.select("row", code="codes").explode("code").drop_nulls()
    valid = written.filter(is_icd10(pl.col("code")))
    unread = joined.filter(pl.col("text").is_not_null() & pl.col("codes").is_null())["text"]
    unknown = written.filter(~is_icd10(pl.col("code")))["code"]
    _check(path, "values of column {} are no list of codes", unread, joined["text"].count())
    _check(path, "codes of column {} are no ICD-10 codes", unknown.filter(unknown != NO_MAP), written.height)
    notes = {
        "records listed twice and differently": listed.n_twice,
        "records not listed": int(joined["listed"].null_count() - listed.n_twice),
        "lists that cannot be read": len(unread),
        "unknown codes": len(unknown),
    }
    if first_of_stay:
        later = joined["row"].filter(joined[PLACE_IN_STAY] > 0)
        notes["records that are not the first of their stay"] = len(later)
        valid = valid.filter(~pl.col("row").is_in(later.implode()))
    known = np.zeros(joined.height, dtype=bool)
    known[valid["row"].to_numpy()] = True
    return Diagnoses(valid.unique(), known, notes)


class _Listed(NamedTuple):
    """Row of the file for each record: ``record``, ``fold``, ``text``, ``listed``, all null where there is none."""

    frame: pl.DataFrame
    n_twice: int
    unreadable: dict[str, int]


def _listed(path: Path, records: pl.Series, cure: str, more: Mapping[str, Kind] = _NOTHING) -> _Listed:
    table = read_values(path, {**_KINDS, **more}, cure)
    text = pl.when(is_filled(pl.col(DIAGNOSES))).then(pl.col(DIAGNOSES))
    entries = table.frame.select(*more, record="study_id", fold="fold", text=text).unique().drop_nulls("record")
    twice = entries.filter(pl.col("record").is_duplicated())["record"].unique()
    entries = entries.filter(~pl.col("record").is_in(twice.implode())).with_columns(listed=True)
    frame = pl.DataFrame({"record": records}).join(entries, on="record", how="left", maintain_order="left")
    if not frame["listed"].any():
        raise DataError(f"{printable(path)} lists none of the records; its study_id must be that of record_list.csv")
    return _Listed(frame, int(records.is_in(twice.implode()).sum()), table.unreadable)


def _check(path: Path, what: str, unreadable: pl.Series, n_filled: int) -> None:
    check_share(path, what.format(DIAGNOSES), len(unreadable), n_filled, next(iter(unreadable), ""), _PUBLISHED)


def label_columns(diagnoses: Diagnoses, codes: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """One float32 column per class, 1 where a row of ``codes`` names it; null for records without a diagnosis."""
    values = indicators(codes, classes, len(diagnoses.known))
    values[:, ~diagnoses.known] = np.nan
    columns = zip(classes, values, strict=True)
    return pl.DataFrame([pl.Series(name, column, nan_to_null=True) for name, column in columns])
