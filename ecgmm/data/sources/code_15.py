"""CODE-15 % 1.0.0 as Zenodo publishes it: ``exams.csv``, and ``exams_part0.hdf5`` to ``exams_part17.hdf5``.

345,779 exams of 233,770 patients of the Telehealth Network of Minas Gerais; six abnormalities, age and sex, no reports.
All recordings are at 400 Hz, in units of 1e-4 V, of 7 or 10 s in the middle of 4096 samples; the last row of a file is
empty and has the id 0. Source: Ribeiro et al., Zenodo (2021), https://doi.org/10.5281/zenodo.4916206; the units:
https://github.com/antonior92/automatic-ecg-diagnosis.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ecgmm.data.sources.hdf5_rows import ENDING, Hdf5RowsReader, read_exam_ids
from ecgmm.data.sources.index_tables import INTEGER, NUMBER, Kind, check_index, read_values
from ecgmm.data.sources.labels.code_15 import CLASSES
from ecgmm.data.sources.leakage import ANNOTATOR
from ecgmm.data.sources.source import EVIDENCE_PREFIX, DataConfig, SourceIndex
from ecgmm.data.sources.tree_reading import is_tree_file, tree_sha256
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.data.store.persons import as_age
from ecgmm.errors import DataError, printable

RATE_HZ = 400
MV_PER_UNIT = 0.1
"""The values are in units of 1e-4 V."""
_TABLE = "exams.csv"
_CURE = f"set data.root to the folder that holds {_TABLE} and the unpacked exams_part0{ENDING}, ..."
_OLDEST_YEARS = 120


def _to_boolean(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars().str.to_lowercase()
    return text.replace_strict({"true": True, "false": False, "1": True, "0": False}, default=None).alias(column)


def _to_file(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text.str.contains(r"^\w[\w.-]*\.hdf5$")).then(text).alias(column)


_BOOLEAN = Kind("True or False", _to_boolean)
_COLUMNS = {
    "exam_id": INTEGER,
    "patient_id": INTEGER,
    "age": NUMBER,
    "is_male": _BOOLEAN,
    "trace_file": Kind(f"file name such as exams_part0{ENDING}", _to_file),
    **dict.fromkeys(CLASSES, _BOOLEAN),
}


@dataclass(kw_only=True)
class Code15(DataConfig):
    """Settings of CODE-15 %; it has none of its own."""

    @property
    def text_origin(self) -> str:
        """Those who made the diagnoses; there is no text."""
        return ANNOTATOR

    @property
    def reader(self) -> WaveformReader:
        """Reader of the rows of the HDF5 files."""
        return Hdf5RowsReader(RATE_HZ, MV_PER_UNIT)

    def read_index(self) -> SourceIndex:
        """Read ``exams.csv`` and the ids of the rows of the files that are there.

        Raises:
            DataError: If the table or every file is missing, or one of them is damaged.
        """
        root = self.root_path
        table = read_values(root / _TABLE, _COLUMNS, _CURE)
        rows = _rows(root, table.frame["trace_file"])
        exams = table.frame.join(rows, on=["trace_file", "exam_id"], how="left", maintain_order="left")
        is_there = pl.col("trace_file").is_in(rows["trace_file"].unique().implode())
        path = pl.format("{}/{}", "trace_file", pl.col("row").cast(pl.String).str.zfill(6))
        is_age = pl.col("age").is_between(0, _OLDEST_YEARS)
        sex = pl.when("is_male").then(pl.lit("male")).when(~pl.col("is_male")).then(pl.lit("female"))
        frame = exams.select(
            record="exam_id",
            patient="patient_id",
            time=pl.lit(None, dtype=pl.Datetime("us")),
            path=pl.when(is_there).then(path).otherwise("trace_file"),
            statements=pl.lit([], dtype=pl.List(pl.String)),
            age=as_age(pl.when(is_age).then("age")),
            sex=sex,
            contradicts=is_there & pl.col("row").is_null(),
            **{f"{EVIDENCE_PREFIX}{name}": pl.col(name) for name in CLASSES},
        )
        # a row that its file does not have gets the name of the file, so that it is no key that is missing
        frame = frame.with_columns(path=pl.coalesce("path", exams["trace_file"]))
        kept, dropped = check_index(frame)
        return SourceIndex(kept, dropped, RATE_HZ, {_TABLE: tree_sha256(root / _TABLE)}, table.unreadable)


def _rows(root: Path, named: pl.Series) -> pl.DataFrame:
    """Row of each exam: columns trace_file, exam_id and row; of an id that is there twice, none."""
    parts = []
    files = [name for name in named.drop_nulls().unique().sort() if is_tree_file(root / name)]
    if not files:
        packed = " (unzip exams_part0.zip, ...)" if any(root.glob("exams_part*.zip")) else ""
        raise DataError(f"{printable(root)} has none of the files that {_TABLE} names{packed}; {_CURE}")
    for name in files:
        ids = pl.Series("exam_id", read_exam_ids(root / name))
        part = pl.DataFrame({"exam_id": ids}).with_row_index("row").cast({"row": pl.Int64})
        part = part.filter(pl.col("exam_id") != 0).unique("exam_id", keep="none", maintain_order=True)
        parts.append(part.with_columns(trace_file=pl.lit(name)))
    return pl.concat(parts)
