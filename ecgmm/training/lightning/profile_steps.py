"""Profile of training steps: a trace of some steps, and the time of their parts in plain words."""

import logging
import time
from collections.abc import Iterable, Mapping
from math import inf
from pathlib import Path

import torch
from lightning.pytorch.profilers import Profiler
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function

from ecgmm.errors import ConfigError
from ecgmm.training.task import PREPARATION

TRACE, REPORT = "trace.json", "profile.txt"
_LOADING = "loading"
# What Lightning calls the parts of a step, by the end of its names.
_ACTIONS = ("batch_to_device", "training_step", "backward", "optimizer_step")
_STEP_ENDS, _BATCH_ASKED, _BATCH_THERE = "run_training_batch", "DiagnosisTask.on_train_batch_end", "batch_to_device"
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")

log = logging.getLogger(__name__)


class StepProfiler(Profiler):
    """Profiler of consecutive training steps of a run, from the end of one to the end of another.

    A training that ends before the last of them is refused (``ConfigError``).

    Args:
        directory: The run directory; gets ``trace.json`` (chrome://tracing, ui.perfetto.dev) and ``profile.txt``.
        skip: Steps before, at least 1, in which memory is taken and kernels are chosen.
        steps: Steps to profile, at least 1.

    Raises:
        ConfigError: If one of them is less.
    """

    def __init__(self, directory: Path, skip: int, steps: int) -> None:
        super().__init__()
        self.skip = self.steps = self._done = 0  # what ``teardown`` finds where the next line refuses
        if skip < 1 or steps < 1:
            raise ConfigError(f"profile.skip is {skip} and profile.steps is {steps}; both must be at least 1")
        self.directory = directory
        self.skip, self.steps = skip, steps
        self._started_s = 0.0
        self._open: dict[str, record_function] = {}
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
        self._profile = profile(activities=activities)

    @property
    def _running(self) -> bool:
        return self.skip <= self._done < self.skip + self.steps

    def start(self, action_name: str) -> None:
        """Open the part of the step that Lightning begins."""
        if not self._running:
            return
        if action_name.endswith(_BATCH_THERE):
            self._exit(_LOADING)
        for action in _ACTIONS:
            if action_name.endswith(f".{action}"):
                self._enter(action)

    def stop(self, action_name: str) -> None:
        """Close the part of the step that Lightning ends, and begin or end the profile between two steps."""
        for action in _ACTIONS:
            if action_name.endswith(f".{action}"):
                self._exit(action)
        if action_name.endswith(_BATCH_ASKED) and self._running:
            self._enter(_LOADING)
        if action_name.endswith("DiagnosisTask.on_train_end"):
            self._refuse_too_few()
        if action_name == _STEP_ENDS:
            self._done += 1
            if self._done == self.skip:
                self._profile.start()
                self._started_s = time.perf_counter()
            elif self._done == self.skip + self.steps:
                self._finish()

    def _enter(self, part: str) -> None:
        self._open[part] = record_function(f"step: {part}")
        self._open[part].__enter__()

    def _exit(self, part: str) -> None:
        if part in self._open:
            self._open.pop(part).__exit__(None, None, None)

    def _finish(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = time.perf_counter() - self._started_s
        self._profile.stop()
        self._profile.export_chrome_trace(str(self.directory / TRACE))
        events = self._profile.key_averages()
        of_host = [event for event in events if event.device_type.name == "CPU"]  # parts have a name on both
        host_ms = {event.key: event.cpu_time_total / 1000 / self.steps for event in of_host}
        device_ms = busy_us(self._profile.events()) / 1000 / self.steps
        lines = report(1000 * seconds / self.steps, host_ms, device_ms if torch.cuda.is_available() else None)
        lines.append(f"mean of {self.steps} steps after {self.skip}; every operation stands in {TRACE}")
        (self.directory / REPORT).write_text("\n".join(lines) + "\n", encoding="utf-8")
        for line in lines:
            log.info(line)

    def teardown(self, stage: str | None) -> None:
        """End a profile that a failure, or the end of training, has cut short."""
        if self._running:
            self._done = self.skip + self.steps
            self._profile.stop()

    def _refuse_too_few(self) -> None:
        if self._done < self.skip + self.steps:
            raise ConfigError(
                f"profile.skip={self.skip} and profile.steps={self.steps} ask for more steps than the {self._done} that"
                " were trained; make them smaller, or batch_size"
            )


def busy_us(events: Iterable[FunctionEvent]) -> float:
    """Microseconds in which the GPU computed or copied; work beside other work counts once.

    Only what ran on the GPU is added: an operation of the host carries the time of its kernels as well, and a named
    part of a step that of all kernels in it.

    Args:
        events: Of a profile (``profile.events()``).
    """
    of_device = [event for event in events if event.device_type.name != "CPU" and not event.is_user_annotation]
    busy, until = 0.0, -inf
    for start, end in sorted((event.time_range.start, event.time_range.end) for event in of_device):
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy


def report(step_ms: float, host_ms: Mapping[str, float], device_ms: float | None) -> list[str]:
    """Describe the time of a step part by part.

    Args:
        step_ms: Time of a step, all in all.
        host_ms: Time that the host spent in each operation and part, by name, in a step.
        device_ms: Time in which the GPU computed or copied; None where there is none.

    Returns:
        Lines. The parts add up to ``step_ms``; on a GPU they are the host's time, which only asks for the work.
    """
    of = {part: host_ms.get(f"step: {part}", 0.0) for part in (_LOADING, *_ACTIONS)}
    preparation = host_ms.get(PREPARATION, 0.0)
    parts = {
        "waiting for the next batch": of[_LOADING],
        "copying it to the device": of["batch_to_device"],
        "preparation and augmentation": preparation,
        "forward pass and losses": of["training_step"] - preparation,
        "backward pass": of["backward"],
        "clipping, optimizer and schedule": of["optimizer_step"] - of["training_step"] - of["backward"],
    }
    parts["the framework between them"] = step_ms - sum(parts.values())
    lines = [f"a step takes {step_ms:.2f} ms, and of this"]
    lines += [f"  {ms:9.2f} ms {100 * ms / step_ms:5.1f} %  {name}" for name, ms in parts.items()]
    if device_ms is not None:
        waited_ms = sum(host_ms.get(name, 0.0) for name in WAITS)
        lines.append(f"the GPU is busy {device_ms:.2f} ms of it ({100 * device_ms / step_ms:.1f} %)")
        lines.append(f"the host waits for the GPU {waited_ms:.2f} ms of it ({100 * waited_ms / step_ms:.1f} %)")
    return lines
