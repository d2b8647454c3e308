"""Ages and sexes of MIMIC-IV: ``patients.csv`` of its hospital module, joined with the records by patient and time."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from ecgmm.data.sources.index_tables import INTEGER, Kind, read_values, to_choice
from ecgmm.data.sources.source import SourceIndex
from ecgmm.data.sources.tree_reading import tree_sha256
from ecgmm.data.store.persons import as_age
from ecgmm.errors import DataError, printable

_KINDS = {
    "subject_id": INTEGER,
    "gender": Kind("F or M", to_choice("F", "M")),
    "anchor_age": INTEGER,
    "anchor_year": INTEGER,
}
_CURE = "set data.patients_csv to hosp/patients.csv of MIMIC-IV, unpacked"


def with_patients(index: SourceIndex, path: Path) -> SourceIndex:
    """Add age and sex: the anchor age and the years from the anchor year to that of the record, both shifted alike.

    Args:
        index: The index.
        path: ``patients.csv``.

    Raises:
        DataError: If the table cannot be used, or knows none of the patients.
    """
    patients = read_values(path, _KINDS, _CURE)
    known = patients.frame.drop_nulls("subject_id").unique("subject_id", keep="none")
    years = pl.col("anchor_age") + pl.col("time").dt.year() - pl.col("anchor_year")
    sex = pl.col("gender").replace_strict({"F": "female", "M": "male"}, default=None, return_dtype=pl.String)
    joined = index.frame.join(known, left_on="patient", right_on="subject_id", how="left", maintain_order="left")
    if joined["anchor_age"].null_count() == joined.height:
        raise DataError(f"{printable(path)} knows none of the patients; {_CURE}")
    frame = joined.with_columns(age=as_age(pl.when(years >= 0).then(years)), sex=sex)
    return replace(
        index,
        frame=frame.drop("gender", "anchor_age", "anchor_year"),
        csv_sha256=index.csv_sha256 | {path.name: tree_sha256(path)},
        unreadable=index.unreadable | patients.unreadable,
    )
