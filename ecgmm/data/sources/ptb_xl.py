"""PTB-XL 1.0.3 as PhysioNet publishes it: one table, recordings at 100 or 500 Hz, official folds.

Source: Wagner et al., PTB-XL, Scientific Data 7, 154 (2020); https://physionet.org/content/ptb-xl/1.0.3/.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ecgmm.data.sources.index_tables import (
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Kind,
    check_index,
    names_another_record,
    read_values,
    to_integer_of,
)
from ecgmm.data.sources.known_values import is_no_value, words_for_none
from ecgmm.data.sources.labels.ptb_xl_benchmark import benchmark_facts
from ecgmm.data.sources.labels.scp_codes import DIAGNOSTIC_CLASS, SCP_CODES, count_unreadable
from ecgmm.data.sources.labels.scp_statements import read_scp_statements
from ecgmm.data.sources.leakage import ANNOTATOR
from ecgmm.data.sources.source import EVIDENCE_PREFIX, DataConfig, SourceIndex
from ecgmm.data.sources.tree_reading import tree_sha256
from ecgmm.data.store.persons import as_age
from ecgmm.data.store.splits import Folds
from ecgmm.text.clean import split_report
from ecgmm.text.statements import SUPERCLASSES

_DOWNLOAD = (
    "set data.root to the folder that holds ptbxl_database.csv and records100/ or records500/, or to the zip archive of"
    " it"
)
_COLUMNS = {
    "ecg_id": INTEGER,
    "patient_id": INTEGER,
    "recording_date": TIME,
    "report": TEXT,
    "scp_codes": TEXT,
    "strat_fold": Kind("fold from 1 to 10", to_integer_of(1, 10)),
    "filename_lr": TEXT,
    "filename_hr": TEXT,
}
_PERSONS = {
    re.compile("age"): NUMBER,
    re.compile("sex"): Kind("0 or 1", to_integer_of(0, 1)),
    re.compile("device|site"): TEXT,
}


@dataclass(kw_only=True)
class PtbXl(DataConfig):
    """Settings of the PTB-XL source.

    Attributes:
        folds: Folds of each split; None splits by patient hash with ``split`` instead.
    """

    folds: Folds | None

    @property
    def recorded_hz(self) -> int:
        """The rate itself where there are recordings at it; 250 Hz are made of those at 500."""
        return 100 if self.rate_hz == 100 else 500

    @property
    def chosen_folds(self) -> Folds | None:
        """The settings ``data.folds``."""
        return self.folds

    @property
    def text_origin(self) -> str:
        """Those who annotated the record."""
        return ANNOTATOR

    def read_index(self) -> SourceIndex:
        """Read ``ptbxl_database.csv`` and ``scp_statements.csv``.

        Raises:
            DataError: If a table is missing, unreadable or lacks a column.
        """
        return read_index(self.root_path, self.recorded_hz)


def read_index(root: Path, native_rate_hz: int) -> SourceIndex:
    """Read the tables of a tree and the paths of its recordings at 100 or 500 Hz."""
    database_path, statements_path = root / "ptbxl_database.csv", root / "scp_statements.csv"
    database = read_values(database_path, _COLUMNS, _DOWNLOAD, _PERSONS)
    scp_statements = read_scp_statements(statements_path, SUPERCLASSES, _DOWNLOAD, kinds_too=True)
    records = database.frame.select(
        *_persons(database.frame.columns),
        "report",
        "scp_codes",
        path="filename_lr" if native_rate_hz == 100 else "filename_hr",
        record="ecg_id",
        patient="patient_id",
        time="recording_date",
        fold="strat_fold",
    )
    frame, dropped = check_index(records.with_columns(contradicts=names_another_record()))
    codes, texts = frame["scp_codes"], frame["report"]
    count_unreadable(database_path, codes, scp_statements["code"])  # refuses codes of another kind
    no_report = is_no_value(texts).fill_null(True)
    split = [[] if none else split_report(text) for text, none in zip(texts, no_report, strict=True)]
    reports = pl.Series("statements", split, dtype=pl.List(pl.String))
    n_words = int(no_report.sum()) - texts.null_count()
    unreadable = database.unreadable | words_for_none(database_path, "report", n_words)
    csv_sha256 = {path.name: tree_sha256(path) for path in (database_path, statements_path)}
    frame = frame.drop("report").rename({"scp_codes": f"{EVIDENCE_PREFIX}{SCP_CODES}"}).hstack([reports])
    evidence = {
        DIAGNOSTIC_CLASS: dict(scp_statements.sort("code").select("code", DIAGNOSTIC_CLASS).iter_rows()),
        **benchmark_facts(scp_statements),
    }
    return SourceIndex(frame, dropped, native_rate_hz, csv_sha256, unreadable, evidence)


def _persons(columns: Sequence[str]) -> list[pl.Expr]:
    """Age (which the table writes as 300 above 89), sex (0 is male, 1 female), recorder and site, where it has them."""
    number = pl.col("site").str.strip_chars().str.strip_suffix(".0")
    values = {
        "age": as_age(pl.col("age")),
        "sex": pl.when(pl.col("sex") == 1).then(pl.lit("female")).when(pl.col("sex") == 0).then(pl.lit("male")),
        "device": pl.col("device").str.strip_chars(),
        "site": number,
    }
    return [value.alias(name) for name, value in values.items() if name in columns]
