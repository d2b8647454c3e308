"""Write a synthetic MIMIC-IV-ECG 1.0 tree, all of it or none."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from rich.progress import track

from ecgmm.data.synthetic.cohort import Cohort, sample_cohort
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.diagnoses import icd_table
from ecgmm.data.synthetic.measurements import measure
from ecgmm.data.synthetic.report import sample_reports
from ecgmm.data.synthetic.second_cart import sample_second
from ecgmm.data.synthetic.state import Ints, sample_states
from ecgmm.data.synthetic.tables import LINKED_SHARE, write_tables
from ecgmm.data.synthetic.waveform import Intervals, Recordings, sample_recordings, simulate, true_intervals
from ecgmm.data.synthetic.wfdb_files import checksums_of, encode_record, write_record
from ecgmm.errors import DataError

BLOCK = 50
"""Records worked out at once: 50 x 5000 x 8 float32 stay near the cache. Changes no byte of the tree."""

LICENSE = """SYNTHETIC DATA

Every recording, report and number in this folder was simulated by ecgmm (ecgmm.data.synthetic). No patient was ever
recorded. The layout follows MIMIC-IV-ECG 1.0 so that the same reader can be used; nothing was taken from that data set.
Not for clinical use. You may use these files as you like (CC0 1.0).
"""


def write_tree(root: Path, config: SyntheticConfig) -> None:
    """Simulate patients and write them as a MIMIC-IV-ECG 1.0 tree with ``truth.csv`` beside it.

    Everything is written to a temporary folder beside ``root`` and renamed at the end: ``root`` is complete or absent.

    Args:
        root: Folder to create; its parents are created too.
        config: Size, seed and rates.

    Raises:
        DataError: If ``root`` exists.
    """
    if root.exists():
        raise DataError(f"{root} exists already; remove it or choose another folder for the synthetic data")
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{root.name}.partial-", dir=root.parent))
    try:
        _write(partial, config)
        partial.chmod(0o755)  # mkdtemp makes it private
        partial.rename(root)
    except BaseException:
        shutil.rmtree(partial)
        raise


def draw_recordings(config: SyntheticConfig) -> tuple[Cohort, Recordings]:
    """Draw whose records a tree has and what shows in them, beat times too: what ``write_tree`` writes, unwritten."""
    return _draw(config, _streams(config))


def _streams(config: SyntheticConfig) -> list[np.random.Generator]:
    # One stream a purpose: a change in the reports leaves the waveforms as they were.
    return [np.random.default_rng(seed) for seed in np.random.SeedSequence(config.seed).spawn(7)]


def _draw(config: SyntheticConfig, streams: list[np.random.Generator]) -> tuple[Cohort, Recordings]:
    second = sample_second(streams[6], config.n_patients, config.second_cart)
    cohort = sample_cohort(streams[0], config, second)
    states = sample_states(streams[1], cohort.patient, config, second)
    return cohort, sample_recordings(streams[2], cohort.patient, states, config, cohort.second)


def _write(root: Path, config: SyntheticConfig) -> None:
    streams = _streams(config)
    cohort, recordings = _draw(config, streams)
    states = recordings.states
    digests: list[str] = []
    parts: list[Intervals] = []
    for rows in track(list(_blocks(len(states))), description="Simulating records", transient=True):
        digests += _write_block(root, cohort, recordings[rows], rows, config.seed)
        parts.append(true_intervals(recordings[rows]))
    true = Intervals(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Intervals)))
    reports = sample_reports(streams[3], states, true.qrs_axis_deg, cohort.dialects, config)
    measured = measure(streams[4], states, true)
    linked = streams[4].random(len(states)) < LINKED_SHARE
    write_tables(root, cohort, states, true, reports, measured, linked)
    icd_table(streams[5], cohort, states).write_csv(root / "records_w_diag_icd10.csv")
    (root / "RECORDS").write_text("\n".join(cohort.paths) + "\n", encoding="ascii")
    (root / "LICENSE.txt").write_text(LICENSE, encoding="ascii")
    digests += [f"{_sha256(path.read_bytes())}  {path.name}" for path in sorted(root.iterdir()) if path.is_file()]
    (root / "SHA256SUMS.txt").write_text("\n".join(digests) + "\n", encoding="ascii")


def _blocks(n: int) -> Iterator[Ints]:
    for start in range(0, n, BLOCK):
        yield np.arange(start, min(start + BLOCK, n))


def _write_block(root: Path, cohort: Cohort, recordings: Recordings, rows: Ints, seed: int) -> list[str]:
    """Simulate and write one block of records; returns its lines for SHA256SUMS.txt."""
    steps = simulate(recordings, seed, rows)
    checksums = checksums_of(steps)
    digests = []
    for i, row in enumerate(rows):
        study = int(cohort.study_id[row])
        files = encode_record(study, int(cohort.subject_id[row]), cohort.time[row], steps[i], checksums[i])
        write_record((root / cohort.paths[row]).parent, study, files)
        digests.append(f"{_sha256(files.header)}  {cohort.paths[row]}.hea")
        digests.append(f"{_sha256(files.samples)}  {cohort.paths[row]}.dat")
    return digests


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
