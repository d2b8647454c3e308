"""TensorBoard: an event file a start in ``<run directory>/tensorboard``, all of one run.

The files are written by TensorBoard's own record writer under names of ours, since ``SummaryWriter`` would put the name
of the machine into them.
"""

import struct
import time
from collections.abc import Mapping
from typing import Any

import yaml  # type: ignore[import-untyped]  # no stubs

from ecgmm.dashboard import content as dashboard_content
from ecgmm.dashboard.destination import About, Results

FOLDER = "tensorboard"
_RGBA = 4  # TensorBoard's number for it


class TensorBoardFiles:
    """Destination of ``logger=tensorboard``.

    Args:
        about: The run that begins.
    """

    def __init__(self, about: About) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._step = Event, 0
        self._folder = about.directory / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        earlier = len(list(self._folder.glob("events.out.tfevents.*")))
        name = f"events.out.tfevents.{time.time_ns() // 1000:017d}.ecgmm"  # read in the order of their names
        self._writer = RecordWriter((self._folder / name).open("wb"))
        self._write(0, file_version="brain.Event:2")
        self._restart = SessionLog(status=SessionLog.START) if earlier else None
        self._write_text("config", about.config)
        self._write_text("run", {"name": about.name, "group": about.group, "tags": about.tags})

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Write numbers of a training step."""
        from torch.utils.tensorboard import summary

        if self._restart is not None:  # what an interrupted run has logged beyond its checkpoint is dropped
            self._write(step, session_log=self._restart)
            self._restart = None
        self._step = max(self._step, step)
        for key, value in numbers.items():
            self._write(step, summary=summary.scalar(key, float(value)))
        self._writer.flush()

    def send_results(self, results: Results) -> None:
        """Write metrics, facts and figures, at the last step."""
        self._restart = None  # a run that was interrupted after its last epoch has nothing to drop
        self.log(dashboard_content.numbers_of_test(results.frame, results.metrics), self._step)
        self._write_text("facts", dashboard_content.shown_facts(results.facts))
        for name, file in dashboard_content.sent_figures(results.figures).items():
            self._write_image(name, file.read_bytes())

    def finish(self, exit_code: int) -> None:
        """Close the file."""
        self._writer.close()

    def _write_image(self, name: str, png: bytes) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        width, height = struct.unpack(">II", png[16:24])  # the first chunk of every PNG
        shown = Summary.Image(height=height, width=width, colorspace=_RGBA, encoded_image_string=png)
        self._write(self._step, summary=Summary(value=[Summary.Value(tag=name, image=shown)]))

    def _write_text(self, name: str, content: Mapping[str, Any]) -> None:
        """Write settings as YAML in a block of code: TensorBoard shows Markdown."""
        from torch.utils.tensorboard import summary

        lines = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True).splitlines()
        self._write(0, summary=summary.text(name, "\n".join(f"    {line}" for line in lines)))

    def _write(self, step: int, **what: Any) -> None:
        self._writer.write(self._event(wall_time=time.time(), step=step, **what).SerializeToString())
