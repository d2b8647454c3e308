"""Generated records: each is read as it was written, or refused under a reason that names what is not read."""

from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray

from benchmarks.fuzzing.generated_records import FORMATS, Generated, generate
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict, time_limit
from ecgmm.data.preparation.header_pass import check_sizes
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.wfdb_reader import WFDB

KINDS = {f"formats.{name}": name for name in (*FORMATS, "segments")}
_REFUSED = (Drop.FORMAT, Drop.SEGMENTS, Drop.SIZE)
_UNITS_PER_MV = {"mV": 1.0, "uV": 1e3, "nV": 1e6, "V": 1e-3}


def judge(cases: list[Case], folder: Path) -> list[Verdict]:
    """Write and read one record for each case; arguments and result as for ``record_batch.judge``."""
    return [_judge_in_time(case, folder / str(number) / "rec") for number, case in enumerate(cases)]


def _judge_in_time(case: Case, base: Path) -> Verdict:
    with time_limit():
        return _judge(case, base)


def _judge(case: Case, base: Path) -> Verdict:
    written = generate(base, KINDS[case.kind], case.generator())
    elsewhere = _same(_by_wfdb(base, written), written.millivolts)

    def verdict(outcome: Outcome, detail: str = "") -> Verdict:
        return Verdict(case, outcome, detail, elsewhere)

    try:
        read, rate_hz = _by_us(base)
    except BadRecordError as error:
        if written.refusable and error.reason in _REFUSED:
            return verdict(Outcome.DROPPED, error.reason.value)
        return verdict(Outcome.FAILED, f"a record that should be read is refused ({error.reason.value})")
    if not _same(read, written.millivolts) or abs(rate_hz - written.rate_hz) > 1e-9:
        return verdict(Outcome.FAILED, "read otherwise than it was written")
    return verdict(Outcome.AS_WRITTEN)


def _by_us(base: Path) -> tuple[NDArray[np.float64], float]:
    """Float64 ``[12, T]`` in mV, NaN where missing, with checksums compared; and the rate."""
    tree = TreeFiles("", follow=True)
    layout, _, checksums = WFDB.describe(str(base), tree)
    check_sizes(str(base), layout, WFDB, tree)
    samples, [reason] = WFDB.read([str(base)], layout, np.array([checksums], dtype=np.uint16))
    if reason is not None:
        raise BadRecordError(reason)
    steps = samples[0]
    values = (steps - np.array(layout.baselines)[:, None]) / np.array(layout.gains_per_mv)[:, None]
    values[steps == np.iinfo(samples.dtype).min] = np.nan
    return values, layout.rate_hz


def _by_wfdb(base: Path, written: Generated) -> NDArray[np.float64] | None:
    """The same by ``wfdb``; None where it fails."""
    try:
        try:
            record = wfdb.rdrecord(str(base), smooth_frames=False)
            signals = record.e_p_signal
        except Exception:  # of several segments it reads but the means of frames
            record = wfdb.rdrecord(str(base))
            signals = list(record.p_signal.T)
        rows = [signals[channel] / _UNITS_PER_MV[record.units[channel]] for channel in written.channels]
        return np.stack(rows)
    except Exception:  # whatever it does not read
        return None


def _same(read: NDArray[np.float64] | None, wanted: NDArray[np.float64]) -> bool:
    return (
        read is not None and read.shape == wanted.shape and np.allclose(read, wanted, rtol=1e-9, atol=0, equal_nan=True)
    )
