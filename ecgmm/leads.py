"""The twelve leads: their standard order, and how stored channels find their place in it by name.

Source: AHA/ACC/HRS recommendations for the standardization of the electrocardiogram (2007), which fix the names
and the order used on paper and by PTB-XL. MIMIC-IV-ECG stores aVF before aVL, so position is never trusted.
"""

from collections.abc import Sequence

LEADS: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
N_LEADS = len(LEADS)

_INDEX_BY_UPPER_NAME = {name.upper(): index for index, name in enumerate(LEADS)}


def channel_of_each_lead(names: Sequence[str]) -> list[int]:
    """Find, for each standard lead, the stored channel that holds it.

    Args:
        names: Lead names in stored order, any case, exactly the twelve standard leads.

    Returns:
        Twelve channel numbers: ``stored[channel_of_each_lead(names)]`` is in standard order.

    Raises:
        ValueError: If a lead is unknown, missing or named twice.
    """
    channel_by_lead = {
        _INDEX_BY_UPPER_NAME.get(name.strip().upper(), -1): channel for channel, name in enumerate(names)
    }
    if len(names) != N_LEADS or set(channel_by_lead) != set(range(N_LEADS)):
        raise ValueError(f"leads are {', '.join(names)}; a record must name each of {', '.join(LEADS)} once")
    return [channel_by_lead[index] for index in range(N_LEADS)]
