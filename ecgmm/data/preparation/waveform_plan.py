"""Plan of the waveform pass: the records to read and their places in the store, settled before the first sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.preparation.header_pass import Usable
from ecgmm.data.preparation.units import UNIT, Form, Unit


@dataclass
class WaveformPlan:
    """Records to read, and their slots.

    Attributes:
        usable: The records.
        has_report: bool ``[N]``.
        root: Folder of the raw tree.
        first_slot: Slot of the first record.
        form: What the records are brought to.
    """

    usable: Usable
    has_report: NDArray[np.bool_]
    root: Path
    first_slot: int
    form: Form

    def __post_init__(self) -> None:
        windows = np.array([len(self.form.starts(layout)) for layout in self.usable.layouts], dtype=np.int64)
        ends = self.first_slot + np.cumsum(windows[self.usable.layout_of])
        self._slots = ends - windows[self.usable.layout_of]
        self.end = int(ends[-1]) if len(ends) else self.first_slot
        """The slot behind the last one."""

    def units(self) -> Iterator[Unit]:
        """Work of the waveform pass, in units."""
        frame = self.usable.frame.select("record", "path", training=self.usable.frame["split"] == "train")
        for number, part in enumerate(frame.iter_slices(UNIT)):
            rows = slice(number * UNIT, number * UNIT + part.height)
            own, layout_of = np.unique(self.usable.layout_of[rows], return_inverse=True)
            yield Unit(
                part["record"].to_numpy(),
                [f"{self.root}/{path}" for path in part["path"]],
                [self.usable.layouts[layout] for layout in own],
                layout_of.astype(np.int32),
                self.usable.checksums[rows],
                self.has_report[rows],
                part["training"].to_numpy(),
                self._slots[rows],
            )
