"""Share of an explanation that lies where the finding is: only of simulated records is that known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.synthetic.noise import RATE_HZ
from ecgmm.data.synthetic.segments import Segments
from ecgmm.data.synthetic.state import CD, CONDUCTION, FIBRILLATION, ST_T, STTC, States
from ecgmm.evaluation.bootstrap import Estimate, interval_around, patient_weights

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]


class Finding(NamedTuple):
    """A finding, the class that it belongs to, and the segment that carries it.

    Attributes:
        name: In words.
        class_name: Of the label set ``superclass``, or ``rhythm``.
        segment: Field of ``Segments``.
    """

    name: str
    class_name: str
    segment: str


BUNDLE_BRANCH_BLOCK = Finding("bundle branch block", "CD", "qrs")
ISCHAEMIA = Finding("ischaemia", "STTC", "st_t")
ATRIAL_FIBRILLATION = Finding("atrial fibrillation", "AFIB", "diastole")
FINDINGS = (BUNDLE_BRANCH_BLOCK, ISCHAEMIA, ATRIAL_FIBRILLATION)


def shows(finding: Finding, states: States) -> Bools:
    """Which records have the finding, ``[n]``."""
    blocks = [list(CONDUCTION).index(name) for name in ("incomplete_rbbb", "rbbb", "lbbb")]
    found: dict[str, Bools] = {
        BUNDLE_BRANCH_BLOCK.name: states.present[:, CD] & np.isin(states.conduction, blocks),
        ISCHAEMIA.name: states.present[:, STTC] & (states.st_t == list(ST_T).index("ischemia")),
        ATRIAL_FIBRILLATION.name: states.rhythm == FIBRILLATION,
    }
    return found[finding.name]


def at_rate(segments: Segments, finding: Finding, rate_hz: float, n_times: int) -> Bools:
    """Samples of the finding's segment at the rate of a store, ``[b, n_times]``."""
    samples: Bools = getattr(segments, finding.segment)
    return samples[:, np.rint(np.arange(n_times) * RATE_HZ / rate_hz).astype(np.int64)]


def share_inside(values: Floats, inside: Bools) -> float:
    """Share of the absolute values ``[12, T]`` that lies in some samples ``[T]``."""
    sizes = np.abs(values.astype(np.float64))
    return float(sizes[:, inside].sum() / sizes.sum())


def times_of_chance(shares: Floats, time_shares: Floats, patients: NDArray[np.integer], seed: int = 0) -> Estimate:
    """How many times as much lies in the segment as if it were spread evenly over time, with its 95 % interval.

    Args:
        shares: Share of each record's attribution in its segment, ``[n]``.
        time_shares: Share of the record's time that the segment takes, ``[n]``.
        patients: Patient of each record; the interval draws patients.
        seed: Of the draw.

    Returns:
        Ratio of the means.
    """
    [weights] = patient_weights(patients, 2000, seed, at_once=2000)
    value = float(shares.mean() / time_shares.mean())
    return Estimate(value, *interval_around(value, (shares @ weights) / (time_shares @ weights)))
