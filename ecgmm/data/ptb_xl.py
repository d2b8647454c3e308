"""PTB-XL 1.0.3 as PhysioNet publishes it: one table, recordings at 100 or 500 Hz, official folds.

Source: Wagner et al., PTB-XL, Scientific Data 7, 154 (2020); https://physionet.org/content/ptb-xl/1.0.3/.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ecgmm.data.index_tables import check_index, read_table, to_integer, to_time
from ecgmm.data.labels import rhythm, superclass
from ecgmm.data.source import DataConfig, SourceIndex
from ecgmm.data.splits import Folds
from ecgmm.files import file_sha256
from ecgmm.text.clean import split_report

_DOWNLOAD = "set data.root to the folder that holds ptbxl_database.csv and records100/ or records500/"
_COLUMNS = ["ecg_id", "patient_id", "recording_date", "report", "scp_codes", "strat_fold", "filename_lr", "filename_hr"]


@dataclass(kw_only=True)
class PtbXl(DataConfig):
    """Settings of the PTB-XL source.

    Attributes:
        folds: Folds of each split; None splits by patient hash with ``split`` instead.
    """

    folds: Folds | None

    @property
    def chosen_folds(self) -> Folds | None:
        """The settings ``data.folds``."""
        return self.folds

    def read_index(self) -> SourceIndex:
        """Read ``ptbxl_database.csv`` and ``scp_statements.csv``.

        Raises:
            DataError: If a table is missing, unreadable or lacks a column.
        """
        return read_index(self.root_path, 100 if self.rate_hz == 100 else 500)


def read_index(root: Path, native_rate_hz: int) -> SourceIndex:
    """Read the tables of a tree and the paths of its recordings at 100 or 500 Hz."""
    database_path, statements_path = root / "ptbxl_database.csv", root / "scp_statements.csv"
    database = read_table(database_path, _COLUMNS, _DOWNLOAD)
    scp_statements = read_table(statements_path, ["diagnostic_class"], _DOWNLOAD)
    records = database.select(
        pl.col("filename_lr" if native_rate_hz == 100 else "filename_hr").alias("path"),
        "report",
        "scp_codes",
        record=to_integer("ecg_id"),
        patient=to_integer("patient_id"),
        time=to_time("recording_date"),
        fold=to_integer("strat_fold"),
        contradicts=False,
    )
    frame, dropped = check_index(records)
    labels = [superclass.from_scp_codes(frame["scp_codes"], scp_statements), rhythm.from_scp_codes(frame["scp_codes"])]
    reports = pl.Series("statements", [split_report(text or "") for text in frame["report"]], dtype=pl.List(pl.String))
    csv_sha256 = {path.name: file_sha256(path) for path in (database_path, statements_path)}
    frame = pl.concat([frame.drop("report", "scp_codes").hstack([reports]), *labels], how="horizontal")
    label_sets = [superclass.FROM_ANNOTATION, rhythm.FROM_ANNOTATION]
    return SourceIndex(frame, dropped, label_sets, native_rate_hz, csv_sha256)
