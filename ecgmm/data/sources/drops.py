"""Reasons to leave a record out, under which preparation counts, prints and files it."""

from collections.abc import Sequence
from enum import StrEnum

import polars as pl


class Drop(StrEnum):
    """One reason; its value is the wording in the manifest."""

    KEY_MISSING = "key field missing"  # record, patient or path is empty or not a number
    DUPLICATE = "duplicate record id"  # an exact copy goes once; contradicting copies all go
    PATH_UNSAFE = "path leaves the root"  # absolute, or with ..
    INDEX_CONTRADICTS = "index fields contradict"  # id, patient or time differ between the tables or from the path
    FOLD_UNUSED = "fold in no split"
    FILE_MISSING = "file missing"
    FILE_UNREADABLE = "file unreadable"
    HEADER_ENCODING = "header not UTF-8"
    HEADER_BROKEN = "header broken"
    HEADER_NAME = "header names another record"
    HEADER_RATE = "header rate contradicts index"
    HEADER_TIME = "header time contradicts index"
    LEADS = "leads are not the standard twelve"
    FORMAT = "format not 16"  # nor another that is read; the words are older than the other readers
    GAIN = "gain 0 or not finite"
    UNIT = "unit not mV"  # nor another multiple of the volt
    SIZE = "wrong size"  # the .dat does not hold what the header announces
    CHECKSUM = "checksum wrong"
    RANGE = "amplitude beyond the store's range"  # 32767 steps: 164 mV at 5 µV, which no heart gives
    ALL_MISSING = "all samples missing"
    NOTHING_USABLE = "neither waveform nor report"
    # Journals hold the place of a reason: new ones go to the end.
    NOT_A_FILE = "not a regular file"  # a folder, FIFO, device or socket in its place
    LINK_OUTSIDE = "link leaves the root"  # unless data.follow_links
    GAIN_RANGE = "gain that no recording of a heart has"
    RATE = "rate not from 50 to 10,000 Hz"
    SEGMENTS = "segments that do not fit together"  # of other rates, scales or lengths than the whole


CURES = {
    Drop.KEY_MISSING: "fill the columns of records, patients and paths",
    Drop.PATH_UNSAFE: "set data.root to a folder above all recordings",
    Drop.FOLD_UNUSED: "set data.folds to folds that the records have",
    Drop.FILE_MISSING: "set data.root to the folder that the table's paths begin in, and bring the files that it names",
    Drop.FILE_UNREADABLE: "make the files readable for yourself, or copy them again",
    Drop.HEADER_ENCODING: "save the headers as UTF-8",
    Drop.HEADER_NAME: "give header and samples the name that stands in the header",
    Drop.HEADER_RATE: "take header, samples and table from one release",
    Drop.HEADER_TIME: "take header, samples and table from one release",
    Drop.LEADS: "name the channels I, II, III, aVR, aVL, aVF, V1 to V6, each once",
    Drop.FORMAT: "write the samples in format 16",
    Drop.GAIN: "write the gain of each channel into the headers, in steps per mV",
    Drop.GAIN_RANGE: "write the gain of each channel into the headers, in steps per mV",
    Drop.UNIT: "write the gains in steps per mV, uV or V",
    Drop.SIZE: "copy the recordings again; their files are not as long as their headers say",
    Drop.CHECKSUM: "copy the recordings again, or set data.verify_checksums=false if their checksums were never right",
    Drop.RANGE: "raise data.uv_per_step, or check gain and baseline of the headers",
    Drop.NOT_A_FILE: "put the files themselves there",
    Drop.LINK_OUTSIDE: "set data.follow_links=true if the files are yours",
    Drop.RATE: "give recordings of 50 to 10,000 Hz",
    Drop.SEGMENTS: "write each recording in one piece, or its segments with one rate and one gain",
}
"""What the user can do about a reason that befell every record."""


class BadRecordError(Exception):
    """A record cannot be used; carries the reason, and what of it to say where it is the only record."""

    def __init__(self, reason: Drop, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason, self.detail = reason, detail


def dropped_table(records: pl.DataFrame, reason: Drop | Sequence[str]) -> pl.DataFrame:
    """Table of records that are dropped, from their columns record and path: record:i64, path:str, reason:str."""
    reasons = pl.lit(reason.value) if isinstance(reason, Drop) else pl.Series(reason, dtype=pl.String)
    return records.select(pl.col("record").cast(pl.Int64), pl.col("path").cast(pl.String), reason=reasons)
