"""Mutated recordings: a tree of sound and of mutated ones is prepared, and every row compared with ``wfdb``."""

import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import wfdb
from numpy.typing import NDArray

from benchmarks.fuzzing.header_mutations import HEADERS
from benchmarks.fuzzing.sample_mutations import SAMPLES
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict, memory_limit, prepare_quietly
from ecgmm.data.sources.drops import BadRecordError
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Layout, Steps
from ecgmm.data.sources.wfdb_reader import WFDB
from ecgmm.leads import LEADS, N_LEADS, channel_of_each_lead
from ecgmm.types import MISSING_SAMPLE
from tests.data.trees import SHORT, MimicTree, data_config, write_record

KINDS = {f"header.{name}": mutation for name, mutation in HEADERS.items()} | {
    f"samples.{name}": mutation for name, mutation in SAMPLES.items()
}
N_SOUND = 30  # ten patients, so that every split has some whatever becomes of the others
N_TIMES = 500
_UPPER_LEADS = {name.upper() for name in LEADS}
_UNITS_PER_MV = {"mV": 1.0, "uV": 1e3, "nV": 1e6, "V": 1e-3}
_MICROVOLTS = re.compile(r"/[µμ]V\s")
UV_PER_STEP = 5.0
_LARGEST_HEADER = (
    1 << 16
)  # ours has the same bound; for wfdb, whose patterns take time with the square of a line's length
_LARGEST_DAT = 1 << 25  # for wfdb, which reads all of it as float64


def judge(cases: list[Case], folder: Path) -> list[Verdict]:
    """Mutate one record for each case, prepare the tree that they make, and judge each.

    Args:
        cases: Of kinds in ``KINDS``.
        folder: An empty folder to work in.

    Returns:
        A verdict on each case, in order.

    Raises:
        Exception: Whatever preparation raises; it should raise nothing.
    """
    tree = MimicTree(folder / "tree", N_SOUND + len(cases), N_TIMES)
    written = [_steps(number) for number in range(tree.n)]
    for number, steps in enumerate(written):
        write_record(tree.file(number, ""), steps)
    for number, case in enumerate(cases, N_SOUND):
        KINDS[case.kind](tree.file(number, ""), case.generator())
    config = data_config("mimic_iv_ecg", tree.root, folder / "stores", SHORT, "data.n_processes=1")
    store = prepare_quietly(config)
    reasons = dict(pl.read_parquet(store.path / "dropped.parquet").select("path", "reason").iter_rows())
    row_of = {record: row for row, record in enumerate(store.records["record"])}
    verdicts = []
    for number in range(tree.n):
        row = row_of.get(tree.rows[number]["study_id"])
        kept = None if row is None else store.waveforms[row]
        reason = reasons.get(str(tree.rows[number]["path"]))
        if number < N_SOUND:
            suffered = kept is None or not np.array_equal(kept, written[number])
            assert not suffered, "a sound record suffered"
        else:
            verdicts.append(_judge(cases[number - N_SOUND], tree.file(number, ""), kept, reason, written[number]))
    assert store.records.height + len(reasons) == tree.n, "records are neither kept nor dropped"
    shutil.rmtree(folder / "tree")
    return verdicts


def _steps(number: int) -> NDArray[np.int16]:
    """int16 ``[12, T]`` as no other record has them, below 5 mV, some with missing samples."""
    random = np.random.default_rng(number)
    steps = np.cumsum(random.integers(-9, 10, (N_LEADS, N_TIMES)), axis=1) + random.integers(-300, 300, (N_LEADS, 1))
    if number % 4 == 0:
        steps[random.integers(N_LEADS), 100 : 100 + random.integers(1, 300)] = MISSING_SAMPLE
    return steps.astype(np.int16)


def _judge(
    case: Case,
    base: Path,
    kept: NDArray[np.int16] | None,
    reason: str | None,
    written: NDArray[np.int16],
) -> Verdict:
    wanted = _wfdb_millivolts(base)
    ours = _our_millivolts(base)
    elsewhere = wanted is not None

    def verdict(outcome: Outcome, detail: str = "") -> Verdict:
        return Verdict(case, outcome, detail, elsewhere)

    if ours is not None and (wanted is None or not _same(ours, wanted)):
        return verdict(Outcome.FAILED, "the reader reads what wfdb does not, or reads it otherwise")
    if (kept is None) != (reason is not None):
        return verdict(Outcome.FAILED, "neither kept nor dropped, or both")
    if kept is None:
        return verdict(Outcome.DROPPED, str(reason))
    if ours is None or wanted is None or not _stored_as(kept, wanted):
        return verdict(Outcome.FAILED, "the store holds other millivolts than wfdb reads")
    return verdict(Outcome.AS_WRITTEN if np.array_equal(kept, written) else Outcome.AS_READ)


def _wfdb_millivolts(base: Path) -> NDArray[np.float64] | None:
    """Float64 ``[12, T]`` in standard order, NaN where missing; None where wfdb refuses or reads other leads."""
    header, dat = base.with_suffix(".hea"), base.with_suffix(".dat")
    try:
        if header.stat().st_size > _LARGEST_HEADER or dat.stat().st_size > _LARGEST_DAT:
            return None
        with memory_limit():  # it reserves what the header announces
            record = wfdb.rdrecord(str(base))
        known = [number for number, name in enumerate(record.sig_name) if name.strip().upper() in _UPPER_LEADS]
        order = channel_of_each_lead([record.sig_name[number] for number in known])
        channels = [known[place] for place in order]
        micro = _MICROVOLTS.search(header.read_text(errors="replace"))  # wfdb takes them for volts
        units = ["uV" if unit == "V" and micro else unit for unit in record.units]
        per_mv = np.array([_UNITS_PER_MV[units[channel]] for channel in channels])
        millivolts: NDArray[np.float64] = record.p_signal.T[channels] / per_mv[:, None]
    except Exception:  # a damaged file makes it raise nearly anything
        return None
    return millivolts if record.fs == 500 else None


def _our_millivolts(base: Path) -> NDArray[np.float64] | None:
    """The same by our reader, without the checks that preparation makes besides."""
    try:
        layout, _, _ = WFDB.describe(str(base), TreeFiles("", follow=True))
        sizes = WFDB.sizes(str(base), layout)
        if layout.rate_hz != 500 or any(Path(file).stat().st_size != n_bytes for file, n_bytes in sizes):
            return None
        samples, reasons = WFDB.read([str(base)], layout, None)
    except (BadRecordError, OSError):
        return None
    return None if reasons[0] else _millivolts(samples[0], layout)


def _millivolts(steps: Steps, layout: Layout) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        values: NDArray[np.float64] = (steps - np.array(layout.baselines)[:, None]) / np.array(layout.gains_per_mv)[
            :, None
        ]
    values[steps == np.iinfo(steps.dtype).min] = np.nan
    return values


def _same(ours: NDArray[np.float64], wanted: NDArray[np.float64]) -> bool:
    return ours.shape == wanted.shape and np.allclose(ours, wanted, rtol=1e-12, atol=0, equal_nan=True)


def _stored_as(kept: NDArray[np.int16], wanted: NDArray[np.float64]) -> bool:
    """Whether a row of the store is the centre of a recording, to half a step; a shorter one is continued by zeros."""
    start = (wanted.shape[1] - N_TIMES) // 2
    cut = wanted[:, max(start, 0) : start + N_TIMES]
    before = max(-start, 0)
    part, rest = kept[:, before : before + cut.shape[1]], np.delete(kept, np.s_[before : before + cut.shape[1]], axis=1)
    missing = part == MISSING_SAMPLE
    steps = np.where(missing, 0, cut * 1000 / UV_PER_STEP)
    near = np.abs(part - steps) <= 0.5 + 1e-6
    return bool((missing == np.isnan(cut)).all() and (near | missing).all() and not rest.any())
