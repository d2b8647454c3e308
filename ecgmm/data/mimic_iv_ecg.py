"""MIMIC-IV-ECG 1.0 as PhysioNet publishes it: two tables joined on ``study_id``, never by row position.

Facts about the layout: docs/data.md. The report columns are read as text; empty ones may stand between filled ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow

from ecgmm.data.index_tables import check_index, read_table, to_integer, to_time
from ecgmm.data.labels import rhythm, superclass
from ecgmm.data.labels.icd import IcdSettings, read_icd
from ecgmm.data.measurements import measurement_columns, without_codes
from ecgmm.data.source import DataConfig, SourceIndex
from ecgmm.data.splits import Folds
from ecgmm.errors import ConfigError, DataError
from ecgmm.files import file_sha256
from ecgmm.text.clean import split_report

RATE_HZ = 500
_DOWNLOAD = "set data.root to the folder that holds record_list.csv and files/, as unpacked from the archive"
_REPORT_COLUMN = re.compile(r"report_[0-9]+")


_ICD_CURE = "set data.icd.csv to records_w_diag_icd10.csv of MIMIC-IV-ECG-Ext-ICD, or to null to do without"


@dataclass(kw_only=True)
class LabelRules:
    """Which findings of a report make its labels.

    Attributes:
        certainty: ``definite`` takes definite and probable findings, ``include_possible`` also "possible", "consider"
            and "cannot rule out".
    """

    certainty: str

    def __post_init__(self) -> None:
        if self.certainty not in ("definite", "include_possible"):
            raise ConfigError(f"data.labels.certainty is {self.certainty!r}; choose definite or include_possible")


@dataclass(kw_only=True)
class MimicIvEcg(DataConfig):
    """Settings of the MIMIC-IV-ECG source.

    Attributes:
        notes_csv: CSV with the columns study_id and text that replaces the machine statements as report; None keeps
            the machine statements. Labels come from the machine statements either way.
        labels: See ``LabelRules``.
        icd: See ``IcdSettings``.
    """

    notes_csv: str | None
    labels: LabelRules
    icd: IcdSettings

    @property
    def chosen_folds(self) -> Folds | None:
        """Those of the ICD file where the settings ask for them."""
        return self.icd.folds

    def read_index(self) -> SourceIndex:
        """Read ``record_list.csv`` and ``machine_measurements.csv``.

        Raises:
            DataError: If a table is missing, unreadable or lacks a column.
        """
        index = read_tables(self.root_path)
        statements, include_possible = index.frame["statements"], self.labels.certainty == "include_possible"
        made = [module.from_statements(statements, include_possible) for module in (superclass, rhythm)]
        frame = pl.concat([index.frame, *made], how="horizontal")
        labels = [superclass.FROM_REPORT, rhythm.FROM_REPORT]
        csv_sha256 = index.csv_sha256
        if self.notes_csv is not None:
            path = Path(self.notes_csv).expanduser()
            frame = _with_notes(frame, path)
            csv_sha256 = csv_sha256 | {path.name: file_sha256(path)}
        index = replace(index, frame=frame, labels=labels, csv_sha256=csv_sha256)
        return index if self.icd.csv is None else with_icd(index, Path(self.icd.csv).expanduser(), self.icd, _ICD_CURE)


def read_tables(root: Path) -> SourceIndex:
    """Read the two tables of a tree; the index has no labels yet.

    Args:
        root: Folder that holds ``record_list.csv``.

    Returns:
        The index, with the machine statements as reports.

    Raises:
        DataError: If a table is missing, unreadable or lacks a column.
    """
    list_path, measurements_path = root / "record_list.csv", root / "machine_measurements.csv"
    listed = read_table(list_path, ["subject_id", "study_id", "file_name", "ecg_time", "path"], _DOWNLOAD)
    records = listed.select(
        record=to_integer("study_id"), patient=to_integer("subject_id"), time=to_time("ecg_time"), path="path"
    )
    reports, twice = read_machine_reports(measurements_path)
    joined = records.join(reports, left_on="record", right_on="study_id", how="left", maintain_order="left")
    contradicts = (pl.col("patient") != pl.col("subject_id")) | (pl.col("time") != pl.col("ecg_time"))
    contradicts = contradicts.fill_null(False) | pl.col("record").is_in(twice.implode())
    frame, dropped = check_index(
        joined.with_columns(contradicts.alias("contradicts"), _no_null("statements")).drop("subject_id", "ecg_time")
    )
    csv_sha256 = {path.name: file_sha256(path) for path in (list_path, measurements_path)}
    return SourceIndex(frame, dropped, [], RATE_HZ, csv_sha256)


def with_icd(index: SourceIndex, path: Path, settings: IcdSettings, cure: str) -> SourceIndex:
    """Add the labels and folds of ``records_w_diag_icd10.csv``; arguments as for ``read_icd``."""
    found = read_icd(path, index.frame["record"], settings.min_records, cure)
    return replace(
        index,
        frame=index.frame.hstack(found.frame),
        labels=[*index.labels, *found.labels],
        csv_sha256=index.csv_sha256 | found.sha256,
    )


def read_machine_reports(path: Path) -> tuple[pl.DataFrame, pl.Series]:
    """Read ``machine_measurements.csv``.

    Returns:
        Columns study_id, subject_id, ecg_time, ``measurement.<name>`` and statements (the filled report columns in the
        order of their numbers), one row a study; and the studies listed twice and differently.

    Raises:
        DataError: If the table is missing, unreadable or lacks a column.
    """
    measured = read_table(path, ["subject_id", "study_id", "ecg_time", "report_0"], _DOWNLOAD, _parsed)
    names = sorted((name for name in measured.columns if _REPORT_COLUMN.fullmatch(name)), key=_number)
    reports = without_codes(measured.drop(names)).with_columns(_filled(measured[names]))
    study = pl.col("study_id")
    twice = reports.filter(study.is_duplicated()).unique().filter(study.is_duplicated())["study_id"].unique()
    return reports.filter(study.is_first_distinct() & study.is_not_null()), twice


def _number(report_column: str) -> int:
    return int(report_column.removeprefix("report_"))


def _parsed(columns: Sequence[str]) -> list[pl.Expr]:
    """What is made of ``machine_measurements.csv``; the few distinct texts of reports become categories."""
    reports = [pl.col(name).cast(pl.Categorical) for name in columns if _REPORT_COLUMN.fullmatch(name)]
    keys = (to_integer("study_id"), to_integer("subject_id"), to_time("ecg_time"))
    return [*keys, *measurement_columns(columns), *reports]


def _filled(reports: pl.DataFrame) -> pl.Series:
    """Lists of the texts that are not blank, in the order of the columns, one a row.

    Put together from the codes of categories: several times faster than lists that polars makes of so many columns.
    """
    distinct = pl.concat([column.unique() for column in reports]).unique().drop_nulls()
    texts, codes = distinct.cast(pl.String).str.strip_chars(), distinct.to_physical().to_numpy()
    place_of_code = np.empty(int(codes.max(initial=0)) + 1, dtype=np.uint32)
    place_of_code[codes] = np.arange(len(codes))
    rows = np.concatenate([column.is_not_null().arg_true().to_numpy() for column in reports])
    places = np.concatenate([place_of_code[column.drop_nulls().to_physical().to_numpy()] for column in reports])
    is_filled = (texts != "").to_numpy()[places]
    rows, places = rows[is_filled], places[is_filled]
    stated = texts.gather(places[np.argsort(rows, kind="stable")])
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=reports.height))])
    return pl.Series("statements", pyarrow.LargeListArray.from_arrays(pyarrow.array(ends), stated.to_arrow()))


def _with_notes(frame: pl.DataFrame, notes_csv: Path) -> pl.DataFrame:
    """Replace the statements by those of a table of notes; several notes of a study follow one another."""
    notes = read_table(
        notes_csv, ["study_id", "text"], "set data.notes_csv to a CSV with the columns study_id and text"
    )
    texts = notes.select(to_integer("study_id"), "text").drop_nulls()
    statements = texts.with_columns(pl.col("text").map_elements(split_report, return_dtype=pl.List(pl.String)))
    by_study = statements.group_by("study_id", maintain_order=True).agg(statements=pl.col("text").list.explode())
    joined = frame.drop("statements").join(
        by_study, left_on="record", right_on="study_id", how="left", maintain_order="left"
    )
    if joined["statements"].null_count() == joined.height:
        raise DataError(f"{notes_csv} has no note for any record; its study_id must be that of record_list.csv")
    return joined.with_columns(_no_null("statements"))


def _no_null(column: str) -> pl.Expr:
    return pl.col(column).fill_null(pl.lit([], dtype=pl.List(pl.String)))
