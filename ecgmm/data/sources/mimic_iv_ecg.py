"""MIMIC-IV-ECG 1.0 as PhysioNet publishes it: two tables joined on ``study_id``, never by row position.

Facts about the layout: docs/understand/data.md. The report columns are read as text; empty ones may stand between
filled ones.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow

from ecgmm.data.sources.index_tables import (
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Kind,
    check_index,
    names_another_record,
    read_values,
)
from ecgmm.data.sources.known_values import is_filled, is_no_value, words_for_none
from ecgmm.data.sources.labels.icd import CURE, IcdSettings
from ecgmm.data.sources.labels.icd_diagnoses import read_folds
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.reading import STATEMENTS
from ecgmm.data.sources.leakage import MACHINE, NOTES
from ecgmm.data.sources.mimic_iv_patients import with_patients
from ecgmm.data.sources.source import EVIDENCE_PREFIX, DataConfig, SourceIndex
from ecgmm.data.sources.tree_reading import tree_sha256
from ecgmm.data.store.measurements import MEASUREMENTS, measurement_columns
from ecgmm.data.store.reports import clean_statements
from ecgmm.data.store.splits import Folds
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.text.clean import split_report

RATE_HZ = 500
_DOWNLOAD = "set data.root to the folder that holds record_list.csv and files/, or to the zip archive of it"
_NO_REPORTS = (
    "it holds the reports and what labels are made of; set data.root to the whole MIMIC-IV-ECG 1.0, since its public"
    " demo has no such table"
)
_REPORT_COLUMN = re.compile(r"report_[0-9]+")
_CATEGORY = Kind("", lambda column: pl.col(column).cast(pl.Categorical))  # the few distinct texts of reports


@dataclass(kw_only=True)
class LabelRules:
    """Choice of the findings of a report that make its labels.

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
        patients_csv: ``patients.csv`` of MIMIC-IV, which knows ages and sexes; None leaves them unknown.
        notes_csv: CSV with the columns study_id and text that replaces the machine statements as report; None keeps
            the machine statements. Labels come from the machine statements either way.
        labels: See ``LabelRules``.
        icd: See ``IcdSettings``.
    """

    notes_csv: str | None
    labels: LabelRules
    icd: IcdSettings
    patients_csv: str | None = None  # runs made before it was a setting have none

    @property
    def chosen_folds(self) -> Folds | None:
        """Those of the ICD file where the settings ask for them."""
        return self.icd.folds

    @property
    def label_settings(self) -> LabelSettings:
        """Those of the reports and of the discharge diagnoses."""
        return self.icd.label_settings(certainty=self.labels.certainty)

    @property
    def text_origin(self) -> str:
        """The machine statements, or the notes that replace them."""
        return MACHINE if self.notes_csv is None else NOTES

    def read_index(self) -> SourceIndex:
        """Read ``record_list.csv`` and ``machine_measurements.csv``.

        Raises:
            DataError: If a table is missing, unreadable or lacks a column.
        """
        index = read_tables(self.root_path)
        statements = clean_statements(index.frame["statements"]).alias(f"{EVIDENCE_PREFIX}{STATEMENTS}")
        index = replace(index, frame=index.frame.with_columns(statements))
        if self.patients_csv is not None:
            index = with_patients(index, Path(self.patients_csv).expanduser())
        if self.notes_csv is not None:
            index = _with_notes(index, Path(self.notes_csv).expanduser())
        return with_folds(index, self.label_settings, CURE) if self.icd.use_folds else index

    def parameters(self) -> dict[str, Any]:
        """As for every source, with the file of the patients where there is one, and that of the folds where used."""
        parameters = super().parameters() | self.icd.parameters()
        path = parameters.pop("patients_csv")
        return parameters if path is None else parameters | {"patients_csv": str(Path(path).expanduser().absolute())}


def read_tables(root: Path) -> SourceIndex:
    """Read the two tables of a tree.

    Args:
        root: Folder that holds ``record_list.csv``.

    Returns:
        The index, with the machine statements as reports and no evidence of labels.

    Raises:
        DataError: If a table is missing, unreadable or lacks a column.
    """
    list_path, measurements_path = root / "record_list.csv", root / "machine_measurements.csv"
    kinds = {"subject_id": INTEGER, "study_id": INTEGER, "file_name": TEXT, "ecg_time": TIME, "path": TEXT}
    listed = read_values(list_path, kinds, _DOWNLOAD)
    records = listed.frame.select(record="study_id", patient="subject_id", time="ecg_time", path="path")
    measured = read_machine_reports(measurements_path)
    joined = records.join(measured.frame, left_on="record", right_on="study_id", how="left", maintain_order="left")
    if joined.height and joined["statements"].null_count() == joined.height:
        raise DataError(
            f"{printable(measurements_path)} has no row for any record of record_list.csv; take both from one release"
        )
    contradicts = (pl.col("patient") != pl.col("subject_id")) | (pl.col("time") != pl.col("ecg_time"))
    contradicts = (
        contradicts.fill_null(False) | pl.col("record").is_in(measured.twice.implode()) | names_another_record()
    )
    frame, dropped = check_index(
        joined.with_columns(contradicts.alias("contradicts"), _no_null("statements")).drop("subject_id", "ecg_time")
    )
    csv_sha256 = {path.name: tree_sha256(path) for path in (list_path, measurements_path)}
    return SourceIndex(frame, dropped, RATE_HZ, csv_sha256, listed.unreadable | measured.unreadable)


def with_folds(index: SourceIndex, settings: LabelSettings, cure: str) -> SourceIndex:
    """Add the folds of ``records_w_diag_icd10.csv``; ``cure`` as for ``read_folds``."""
    assert settings.icd_csv is not None
    folds = read_folds(settings.icd_csv, index.frame["record"], cure)
    return replace(
        index,
        frame=index.frame.with_columns(fold=folds.fold),
        csv_sha256=index.csv_sha256 | folds.sha256,
        unreadable=index.unreadable | folds.unreadable,
    )


class MachineReports(NamedTuple):
    """Content of ``machine_measurements.csv``.

    Attributes:
        frame: Columns study_id, subject_id, ecg_time, ``measurement.<name>``, statements (the filled report columns in
            the order of their numbers) and device (the cart, where the table has it), one row a study.
        twice: The studies listed twice and differently.
        unreadable: As in ``Values``, and the report cells that hold a word for "no value".
    """

    frame: pl.DataFrame
    twice: pl.Series
    unreadable: dict[str, int]


def read_machine_reports(path: Path) -> MachineReports:
    """Read ``machine_measurements.csv``.

    Raises:
        DataError: If the table is missing, unreadable or lacks a column.
    """
    keys = {"study_id": INTEGER, "subject_id": INTEGER, "ecg_time": TIME, "report_0": _CATEGORY}
    others = {_REPORT_COLUMN: _CATEGORY, re.compile("|".join(MEASUREMENTS)): NUMBER, re.compile("cart_id"): _CATEGORY}
    measured = read_values(path, keys, _NO_REPORTS, others)
    names = sorted((name for name in measured.frame.columns if _REPORT_COLUMN.fullmatch(name)), key=_number)
    statements, n_no_value = _filled(measured.frame[names])
    reports = measured.frame.select("study_id", "subject_id", "ecg_time", *measurement_columns(measured.frame))
    reports = reports.with_columns(statements, *(column for column in measured.frame if column.name == "cart_id"))
    reports = reports.rename({"cart_id": "device"}, strict=False)
    study = pl.col("study_id")
    twice = reports.filter(study.is_duplicated()).unique().filter(study.is_duplicated())["study_id"].unique()
    frame = reports.filter(study.is_first_distinct() & study.is_not_null())
    unreadable = measured.unreadable | words_for_none(path, "reports", n_no_value)
    return MachineReports(frame, twice, unreadable)


def _number(report_column: str) -> int:
    return int(report_column.removeprefix("report_"))


def _filled(reports: pl.DataFrame) -> tuple[pl.Series, int]:
    """Lists of the statements of each row in the order of the columns, and the number of cells with a word such as nan.

    Put together from the codes of categories: several times faster than lists that polars makes of so many columns.
    """
    distinct = pl.concat([column.unique() for column in reports]).unique().drop_nulls()
    texts, codes = distinct.cast(pl.String).str.strip_chars(), distinct.to_physical().to_numpy()
    place_of_code = np.empty(int(codes.max(initial=0)) + 1, dtype=np.uint32)
    place_of_code[codes] = np.arange(len(codes))
    rows = np.concatenate([column.is_not_null().arg_true().to_numpy() for column in reports])
    places = np.concatenate([place_of_code[column.drop_nulls().to_physical().to_numpy()] for column in reports])
    no_value = is_no_value(texts).to_numpy()
    filled = ((texts != "").to_numpy() & ~no_value)[places]
    n_no_value = int(no_value[places].sum())
    rows, places = rows[filled], places[filled]
    stated = texts.gather(places[np.argsort(rows, kind="stable")])
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=reports.height))])
    lists = pyarrow.LargeListArray.from_arrays(pyarrow.array(ends), stated.to_arrow())
    return pl.Series("statements", lists), n_no_value


def _with_notes(index: SourceIndex, path: Path) -> SourceIndex:
    """Replace the statements by those of a table of notes; several notes of a study follow one another."""
    kinds = {"study_id": INTEGER, "text": TEXT}
    notes = read_values(path, kinds, "set data.notes_csv to a CSV with the columns study_id and text")
    n_no_value = notes.frame.select(is_no_value(pl.col("text")).sum()).item()
    texts = notes.frame.filter(is_filled(pl.col("text"))).drop_nulls()
    statements = texts.with_columns(pl.col("text").map_elements(split_report, return_dtype=pl.List(pl.String)))
    by_study = statements.group_by("study_id", maintain_order=True).agg(statements=pl.col("text").list.explode())
    joined = index.frame.drop("statements").join(
        by_study, left_on="record", right_on="study_id", how="left", maintain_order="left"
    )
    if joined["statements"].null_count() == joined.height:
        raise DataError(f"{printable(path)} has no note for any record; its study_id must be that of record_list.csv")
    return replace(
        index,
        frame=joined.with_columns(_no_null("statements")),
        csv_sha256=index.csv_sha256 | {path.name: tree_sha256(path)},
        unreadable=index.unreadable | notes.unreadable | words_for_none(path, "text", n_no_value),
    )


def _no_null(column: str) -> pl.Expr:
    return pl.col(column).fill_null(pl.lit([], dtype=pl.List(pl.String)))
