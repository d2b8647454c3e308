"""Limb leads that were not recorded, from those that were: four of the six follow from I and II.

Source: Einthoven's law (III = II - I) and Goldberger's leads (aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgmm.leads import LEADS
from ecgmm.types import MISSING_SAMPLE

_LARGEST_STEP = 32767
_I, _II = LEADS.index("I"), LEADS.index("II")
_HALVES = {"III": (-2, 2), "aVR": (-1, -1), "aVL": (2, -1), "aVF": (-1, 2)}
"""Each lead in halves of I and of II."""


def derivable(recorded: Sequence[bool]) -> list[str]:
    """Names of the leads that were not recorded and follow from I and II.

    Args:
        recorded: Whether each lead of ``leads.LEADS`` was recorded.
    """
    if not (recorded[_I] and recorded[_II]):
        return []
    return [name for name in _HALVES if not recorded[LEADS.index(name)]]


def derive_leads(block: NDArray[np.int16], recorded: Sequence[bool]) -> NDArray[np.int16]:
    """Fill the leads of ``derivable``.

    Args:
        block: int16 ``[R, 12, T]`` with ``MISSING_SAMPLE``. Not changed.
        recorded: Whether each lead was recorded.

    Returns:
        int16 ``[R, 12, T]``, halves rounded to the even step and steps limited to those of 16 bits; missing where I or
        II is missing. The block itself where there is nothing to fill.
    """
    names = derivable(recorded)
    if not names:
        return block
    filled = block.copy()
    first, second = block[:, _I].astype(np.int32), block[:, _II].astype(np.int32)
    missing = (block[:, _I] == MISSING_SAMPLE) | (block[:, _II] == MISSING_SAMPLE)
    for name in names:
        of_first, of_second = _HALVES[name]
        steps = np.rint((of_first * first + of_second * second) / 2).clip(-_LARGEST_STEP, _LARGEST_STEP)
        filled[:, LEADS.index(name)] = np.where(missing, MISSING_SAMPLE, steps)
    return filled
