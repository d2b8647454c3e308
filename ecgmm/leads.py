"""The twelve leads: their standard order, their other names, and how stored channels find their place by name.

Source: AHA/ACC/HRS recommendations for the standardization of the electrocardiogram (2007), which fix the names
and the order used on paper and by PTB-XL. MIMIC-IV-ECG stores aVF before aVL, so position is never trusted.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

LEADS: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
N_LEADS = len(LEADS)
FEWER_LEADS: dict[int, tuple[str, ...]] = {
    6: LEADS[:6],
    4: ("I", "II", "III", "V2"),
    3: ("I", "II", "V2"),
    2: ("I", "II"),
    1: ("II",),
}
"""Leads of recorders that have fewer, by their number: the sets of the George B. Moody Challenge of 2021, and lead II.

Reyna et al., Will two do? Varying dimensions in electrocardiography, Computing in Cardiology 2021.
"""
CompleteLeads = Literal["none", "laws", "learned"]
"""What fills lost leads (``ecgmm.signal.completion``): nothing, the laws of the limb leads, or regression too."""

_OTHER_NAMES = {
    **{"di": 0, "d1": 0, "dii": 1, "d2": 1, "diii": 2, "d3": 2},  # French, Spanish and Portuguese recorders
    **{f"c{number}": 5 + number for number in range(1, 7)},  # IEC's names of the electrodes on the chest
}
_INDEX_OF_NAME = {name.lower(): index for index, name in enumerate(LEADS)} | _OTHER_NAMES
_BEFORE = re.compile(r"(?:mdc_ecg_lead_|(?:(?:ecg|ekg)[ _:]*)?lead[ _:]*|(?:ecg|ekg)[ _:]+)")
"""What IEEE 11073, DICOM and recorders write before a name."""
_INVERTED = re.compile(r"(?:[-\u2212]|(?:neg|minus|inv)[ _])\s*")
_BEHIND = re.compile(r"\s*\((?:einthoven|goldberger|wilson)\)")
_SEPARATORS = re.compile(r"[ _.]")


class NamedLead(NamedTuple):
    """Meaning of a channel's name.

    Attributes:
        index: Place in ``LEADS``.
        sign: 1, or -1 for a lead that is shown inverted, as -aVR is in the Cabrera sequence.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs of a lead
    sign: int


def lead_of(name: str) -> NamedLead | None:
    """Understand a channel's name; None where it names none of the twelve leads.

    Understood are any case, blanks, ``MDC_ECG_LEAD_AVR``, ``lead I``, ``ECG I``, ``D1``, ``DI``, ``C1`` and ``-aVR``.
    """
    bare = _BEHIND.sub("", name.strip().lower())
    bare = bare[found.end() :] if (found := _BEFORE.match(bare)) else bare
    inverted = _INVERTED.match(bare)
    index = _INDEX_OF_NAME.get(_SEPARATORS.sub("", bare[inverted.end() :] if inverted else bare))
    return None if index is None else NamedLead(index, -1 if inverted else 1)


def channels_of_leads(names: Sequence[str]) -> list[tuple[int, int] | None]:
    """Find, for each standard lead, the stored channel that holds it; channels of other names are passed over.

    Args:
        names: Names in stored order, as ``lead_of`` understands them.

    Returns:
        Twelve pairs of channel and sign, None for a lead that no channel holds.

    Raises:
        ValueError: If a lead is named twice, or no lead is named.
    """
    channels: list[tuple[int, int] | None] = [None] * N_LEADS
    for channel, name in enumerate(names):
        lead = lead_of(name)
        if lead is None:
            continue
        if channels[lead.index] is not None:
            raise ValueError(f"leads are {', '.join(names)}, which name {LEADS[lead.index]} twice; name each lead once")
        channels[lead.index] = (channel, lead.sign)
    if not any(channels):
        raise ValueError(f"leads are {', '.join(names)}; a record must name at least one of {', '.join(LEADS)}")
    return channels


def channel_of_each_lead(names: Sequence[str]) -> list[int]:
    """Find, for each standard lead, the stored channel that holds it.

    Args:
        names: Lead names in stored order, any case, exactly the twelve standard leads.

    Returns:
        Twelve channel numbers: ``stored[channel_of_each_lead(names)]`` is in standard order.

    Raises:
        ValueError: If a lead is unknown, missing or named twice.
    """
    channel_by_lead = {_INDEX_OF_NAME.get(name.strip().lower(), -1): channel for channel, name in enumerate(names)}
    if len(names) != N_LEADS or set(channel_by_lead) != set(range(N_LEADS)):
        raise ValueError(f"leads are {', '.join(names)}; a record must name each of {', '.join(LEADS)} once")
    return [channel_by_lead[index] for index in range(N_LEADS)]
