"""Plan of the waveform pass: the records to read and their places in each store, settled before the first sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.preparation.header_pass import Usable
from ecgmm.data.preparation.units import UNIT, Destination, Form, Reading, Unit


@dataclass
class WaveformPlan:
    """Records to read, and their slots in each store.

    Attributes:
        usable: The records.
        has_report: bool ``[N]``.
        root: Folder of the raw tree.
        reading: How they are read.
        forms: What they are brought to, for each store.
        first_slots: Slot of the first record in each store.
    """

    usable: Usable
    has_report: NDArray[np.bool_]
    root: Path
    reading: Reading
    forms: Sequence[Form]
    first_slots: Sequence[int]

    def __post_init__(self) -> None:
        pairs = zip(self.forms, self.first_slots, strict=True)
        self._borders = [self._borders_of(form, first) for form, first in pairs]
        self.ends = [int(borders[-1]) for borders in self._borders]
        """The slot behind the last one in each store."""

    def _borders_of(self, form: Form, first_slot: int) -> NDArray[np.int64]:
        """Slot of the first window of each record, and the slot behind the last one; int64 ``[N + 1]``."""
        windows = np.array([len(form.starts(layout)) for layout in self.usable.layouts], dtype=np.int64)
        return first_slot + np.concatenate([[0], np.cumsum(windows[self.usable.layout_of])])

    def units(self) -> Iterator[Unit]:
        """Work of the waveform pass, in units."""
        frame = self.usable.frame.select("record", "path", training=self.usable.frame["split"] == "train")
        for number, part in enumerate(frame.iter_slices(UNIT)):
            rows = slice(number * UNIT, number * UNIT + part.height)
            own, layout_of = np.unique(self.usable.layout_of[rows], return_inverse=True)
            yield Unit(
                self.reading,
                part["record"].to_numpy(),
                [f"{self.root}/{path}" for path in part["path"]],
                [self.usable.layouts[layout] for layout in own],
                layout_of.astype(np.int32),
                self.usable.checksums[rows],
                self.has_report[rows],
                part["training"].to_numpy(),
                [
                    Destination(form, borders[:-1][rows])
                    for form, borders in zip(self.forms, self._borders, strict=True)
                ],
            )
