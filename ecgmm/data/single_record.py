"""One WFDB record as a row of a store would hold it: what prediction reads."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.drops import BadRecordError, Drop
from ecgmm.data.waveform_blocks import cut_window, fits_store, pad_window, to_store_steps
from ecgmm.data.wfdb_format import HeaderReader, read_signal
from ecgmm.errors import DataError
from ecgmm.leads import N_LEADS


def read_record(record: Path, rate_hz: float, n_times: int, uv_per_step: float) -> NDArray[np.int16]:
    """Read one record's central window.

    Args:
        record: Path of the record, with or without the extension ``.hea``.
        rate_hz: Sampling rate wanted.
        n_times: Samples wanted; a longer record is cut around its centre, a shorter one continued by zeros.
        uv_per_step: Microvolts per step wanted.

    Returns:
        int16 ``[1, 12, n_times]``, leads in standard order.

    Raises:
        DataError: If the record cannot be used; says why.
    """
    stem = record.with_suffix("") if record.suffix in (".hea", ".dat") else record
    try:
        layout = HeaderReader().read(f"{stem}.hea").layout
        stored = np.empty((1, layout.n_samples, N_LEADS), dtype=np.int16)
        read_signal(str(stem), layout, stored[0])
    except BadRecordError as error:
        raise DataError(f"{stem} cannot be read ({error}); give a 12-lead WFDB record of format 16") from None
    block = stored[:, :, layout.channels].transpose(0, 2, 1)
    if not fits_store(block, layout, uv_per_step).all():
        raise DataError(f"{stem} cannot be read ({Drop.RANGE.value}); check gain and baseline of its header")
    block = to_store_steps(block, layout, rate_hz, uv_per_step)
    start = (block.shape[-1] - n_times) // 2
    return pad_window(cut_window(block, start, n_times), start, n_times, "zero")
