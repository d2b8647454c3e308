"""The CSV files of the tree, and the truth beside them."""

from pathlib import Path

import numpy as np
import polars as pl

from ecgmm.data.synthetic import second_cart
from ecgmm.data.synthetic.cohort import Cohort
from ecgmm.data.synthetic.measurements import COLUMNS
from ecgmm.data.synthetic.report import MAX_STATEMENTS
from ecgmm.data.synthetic.state import (
    CD,
    CHAMBER,
    CONDUCTION,
    GROUPS,
    HYP,
    MI,
    REGIONS,
    RHYTHM,
    ST_T,
    STTC,
    SUPERCLASSES,
    Bools,
    Ints,
    States,
    superclass_flags,
)
from ecgmm.data.synthetic.waveform import Intervals

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
BANDWIDTH, FILTERING = "0.005-150 Hz", "60 Hz notch Baseline filter"
SITES = ("first", "second")
"""Names of the hospitals; a tree of the first alone has no such column."""
LINKED_SHARE = 0.76
"""Share of records with a row in waveform_note_links.csv (609,272 of 800,035 in MIMIC-IV-ECG)."""

DICTIONARY = {
    "subject_id": "Number of the patient",
    "study_id": "Number of the record",
    "cart_id": "Number of the recording machine",
    "ecg_time": "Date and time of the record, shifted",
    "report_#": "Statement of the machine, # from 0 to 17",
    "bandwidth": "Bandwidth of the machine",
    "filtering": "Filters of the machine",
    "rr_interval": "Time between R peaks in ms",
    "p_onset": "Start of the P wave in ms",
    "p_end": "End of the P wave in ms",
    "qrs_onset": "Start of the QRS complex in ms",
    "qrs_end": "End of the QRS complex in ms",
    "t_end": "End of the T wave in ms",
    "p_axis": "Axis of the P wave in degrees",
    "qrs_axis": "Axis of the QRS complex in degrees",
    "t_axis": "Axis of the T wave in degrees",
}


def write_tables(
    root: Path, cohort: Cohort, states: States, true: Intervals, reports: list[list[str]], measured: Ints, linked: Bools
) -> None:
    """Write all CSV files of a tree.

    Args:
        root: Folder that takes them.
        cohort: Who, when, which cart.
        states: Hidden states, for truth.csv.
        true: True intervals, for truth.csv.
        reports: 18 columns for each record, "" where empty.
        measured: Numbers of the machine ``[n, 9]``.
        linked: Records with a row in waveform_note_links.csv ``[n]``.
    """
    time = [t.strftime(TIME_FORMAT) for t in cohort.time]
    ids = {"subject_id": cohort.subject_id, "study_id": cohort.study_id}
    records = pl.DataFrame({**ids, "file_name": cohort.study_id, "ecg_time": time, "path": cohort.paths})
    records.write_csv(root / "record_list.csv")
    machine = pl.DataFrame({
        **ids,
        "cart_id": cohort.cart_id,
        "ecg_time": time,
        **{f"report_{i}": [report[i] or None for report in reports] for i in range(MAX_STATEMENTS)},
        "bandwidth": np.where(cohort.second, second_cart.BANDWIDTH, BANDWIDTH),
        "filtering": np.where(cohort.second, second_cart.FILTERING, FILTERING),
        **{name: measured[:, i] for i, name in enumerate(COLUMNS)},
    }, schema_overrides={f"report_{i}": pl.String for i in range(MAX_STATEMENTS)})  # fmt: skip
    # Sorted by time, record_list by study number: a reader that joins by row position goes wrong at once.
    machine.sort("subject_id", "ecg_time", "study_id").write_csv(root / "machine_measurements.csv")
    links = records.filter(pl.Series(linked)).sort("subject_id", "ecg_time", "study_id")
    sequence = pl.int_range(pl.len()).over("subject_id") + 1
    links.select(
        "subject_id",
        "study_id",
        pl.col("path").alias("waveform_path"),
        pl.format("{}-EK-{}", "subject_id", sequence).alias("note_id"),
        sequence.alias("note_seq"),
        pl.col("ecg_time").alias("charttime"),
    ).write_csv(root / "waveform_note_links.csv")
    dictionary = pl.DataFrame({"column": list(DICTIONARY), "description": list(DICTIONARY.values())})
    dictionary.write_csv(root / "machine_measurements_data_dictionary.csv")
    truth_table(cohort, states, true).write_csv(root / "truth.csv")


def truth_table(cohort: Cohort, states: States, true: Intervals) -> pl.DataFrame:
    """Hidden state of every record; a finding that is absent is "none".

    Args:
        cohort: Who.
        states: Hidden states.
        true: True intervals.

    Returns:
        One row per record, in record order, ending with the 0/1 columns of ``SUPERCLASSES``, and the site
        where there is a second hospital.
    """

    def kinds(names: dict[str, float], values: Ints, counts: Bools) -> list[str]:
        return [str(name) for name in np.where(counts, np.array(list(names))[values], "none")]

    present = states.present
    everywhere = np.ones(len(states), dtype=np.bool_)
    ischemic = present[:, STTC] & (states.st_t == list(ST_T).index("ischemia"))
    age = np.where(present[:, MI], np.where(states.acute, "acute", "old"), "none").tolist()
    flags = superclass_flags(present)
    sites = {"site": np.where(cohort.second, *SITES[::-1])} if cohort.second.any() else {}
    return pl.DataFrame({
        "study_id": cohort.study_id,
        "rhythm": kinds(RHYTHM, states.rhythm, everywhere),
        "rate_bpm": states.rate_bpm.round(1),
        "pacs": states.pacs,
        "pvcs": states.pvcs,
        "conduction": kinds(CONDUCTION, states.conduction, present[:, CD]),
        "chamber": kinds(CHAMBER, states.chamber, present[:, HYP]),
        "infarct_region": kinds(REGIONS, states.region, present[:, MI]),
        "infarct_age": age,
        "st_t": kinds(ST_T, states.st_t, present[:, STTC]),
        "ischemia_region": kinds(REGIONS, states.st_t_region, ischemic),
        "early_repolarization": states.early_repolarization.astype(np.int64),
        "low_voltage": states.low_voltage.astype(np.int64),
        "pr_ms": true.pr_ms.round(),
        "qrs_ms": true.qrs_ms.round(),
        "qt_ms": true.qt_ms.round(),
        "qrs_axis_deg": true.qrs_axis_deg.round(),
        **{f"effect_{name.lower()}": states.effect[:, i].round(3) for i, name in enumerate(GROUPS)},
        **{name: flags[:, i] for i, name in enumerate(SUPERCLASSES)},
        **sites,
    })  # fmt: skip
