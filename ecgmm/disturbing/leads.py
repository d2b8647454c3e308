"""Leads that are lost, exchanged or misread, and stretches without samples: no sample gets a value that was not there.

Each function takes a block of records, the strength and a generator for each record, and returns a changed copy.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.leads import FEWER_LEADS, LEADS, N_LEADS
from ecgmm.types import MISSING_SAMPLE

Steps = NDArray[np.int16]
Generators = Sequence[np.random.Generator]

LIMB_LEADS, CHEST_LEADS = tuple(range(6)), tuple(range(6, N_LEADS))
ALL_BUT_II = tuple(lead for lead in range(N_LEADS) if LEADS[lead] != "II")


def lose_leads(block: Steps, share: float, generators: Generators, leads: Sequence[int]) -> Steps:
    """Lose some leads for a stretch of the recording, at a place that the record draws."""
    lost = block.copy()
    for record, generator in zip(lost, generators, strict=True):
        record[list(leads), _stretch(block.shape[-1], share, generator)] = MISSING_SAMPLE
    return lost


def lose_one_lead(block: Steps, share: float, generators: Generators) -> Steps:
    """Lose a lead at random for a stretch of the recording."""
    lost = block.copy()
    for record, generator in zip(lost, generators, strict=True):
        lead = generator.integers(N_LEADS)
        record[lead, _stretch(block.shape[-1], share, generator)] = MISSING_SAMPLE
    return lost


def lose_random_leads(block: Steps, n_leads: float, generators: Generators) -> Steps:
    """Lose so many leads throughout; those of fewer are among those of more."""
    lost = block.copy()
    for record, generator in zip(lost, generators, strict=True):
        record[generator.permutation(N_LEADS)[: int(n_leads)]] = MISSING_SAMPLE
    return lost


def _stretch(n_times: int, share: float, generator: np.random.Generator) -> slice:
    length = round(share * n_times)
    start = int(generator.random() * (n_times - length + 1))
    return slice(start, start + length)


def keep_leads(block: Steps, n_leads: float, generators: Generators) -> Steps:
    """Keep one of ``FEWER_LEADS`` throughout, and lose the others."""
    lost = block.copy()
    lost[:, [lead not in FEWER_LEADS[int(n_leads)] for lead in LEADS]] = MISSING_SAMPLE
    return lost


def leave_gap(block: Steps, share: float, generators: Generators) -> Steps:
    """Lose the samples of all leads for a stretch."""
    return lose_leads(block, share, generators, range(N_LEADS))


def lose_waveform(block: Steps, share: float, generators: Generators) -> Steps:
    """Lose all leads of a share of the records throughout."""
    lost = block.copy()
    lost[hit(share, generators)] = MISSING_SAMPLE
    return lost


def hit(share: float, generators: Generators) -> NDArray[np.bool_]:
    """Records that a disturbance of a share of them hits; those of a smaller share are among those of a larger."""
    return np.array([generator.random() < share for generator in generators])


def rearrange(block: Steps, share: float, generators: Generators, leads: str) -> Steps:
    """Give a share of the records their leads in other places, as exchanged electrodes do.

    Args:
        block: int16 ``[b, 12, T]``.
        share: Share of the records.
        generators: One a record.
        leads: Twelve names: which lead stands in each place of ``LEADS``; a minus turns it round.
    """
    names = leads.split()
    order = [LEADS.index(name.removeprefix("-")) for name in names]
    turned = np.array([name.startswith("-") for name in names])
    moved = block[:, order]
    steps = moved[:, turned]
    moved[:, turned] = np.where(steps == MISSING_SAMPLE, MISSING_SAMPLE, -np.maximum(steps, -32767))
    return np.where(hit(share, generators)[:, None, None], moved, block)


ARMS = "-I III II aVL aVR aVF V1 V2 V3 V4 V5 V6"
"""Right and left arm exchanged: I turns round, II and III change places, as aVR and aVL do."""
LEFT_ARM_AND_LEG = "II I -III aVR aVF aVL V1 V2 V3 V4 V5 V6"
"""Left arm and left leg exchanged: III turns round, I and II change places, as aVL and aVF do."""
V1_V2 = "I II III aVR aVL aVF V2 V1 V3 V4 V5 V6"

ORDERS = (
    "I II III aVR aVF aVL V1 V2 V3 V4 V5 V6",  # MIMIC-IV-ECG's
    "II I III aVR aVL aVF V1 V2 V3 V4 V5 V6",
    "aVL I -aVR II aVF III V1 V2 V3 V4 V5 V6",  # Cabrera's
    "I II III aVR aVL aVF V6 V5 V4 V3 V2 V1",
    "V1 V2 V3 V4 V5 V6 I II III aVR aVL aVF",
)
"""Which lead a file holds in each place; a reader that does not heed its header takes them for ``LEADS``."""


def misread_order(block: Steps, order: float, generators: Generators) -> Steps:
    """Take leads in one of ``ORDERS``, counted from 1, for the standard order."""
    return rearrange(block, 1.0, generators, ORDERS[int(order) - 1])
