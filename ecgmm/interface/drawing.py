"""Pictures of records."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ecgmm.interface.stores import Record
from ecgmm.plots.ecg_paper import draw_sheet, sheet_size_mm
from ecgmm.plots.look import look

_MM_PER_INCH = 25.4
_LEAD_NAME_PT = 8.0


def plot(record: Record | NDArray[np.floating], rate_hz: float | None = None) -> Figure:
    """Draw a record on clinical paper at full size: 25 mm/s, 10 mm/mV, three rows of four leads, lead II below.

    Args:
        record: A record, or its millivolts ``[12, T]`` in the order of ``ecgmm.leads.LEADS``; NaN leaves a gap.
        rate_hz: Sampling rate of an array in Hz.

    Returns:
        A figure, drawn without pyplot's global state; save it with ``figure.savefig``.
    """
    if isinstance(record, Record):
        signals_mv, rate_hz = record.millivolts, record.rate_hz
    else:
        signals_mv = record
        if rate_hz is None:
            raise ValueError("rate_hz is missing; an array does not say its sampling rate")
    width_mm, height_mm = sheet_size_mm(signals_mv.shape[1] / rate_hz)
    with look():
        figure = Figure(figsize=(width_mm / _MM_PER_INCH, height_mm / _MM_PER_INCH))
        axes = figure.add_axes((0, 0, 1, 1))
        draw_sheet(axes, signals_mv, rate_hz, np.zeros(signals_mv.shape, dtype=bool), _LEAD_NAME_PT)
    return figure
