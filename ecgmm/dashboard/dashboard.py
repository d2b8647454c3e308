"""Logger of a run beside ``history.csv``: W&B, TensorBoard or MLflow, each from a thread of its own.

Training never waits for it and never fails by it. What is sent is chosen in ``content``, whatever it is sent to.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self

from lightning.pytorch.loggers.logger import Logger

from ecgmm.console.ending import Stopped
from ecgmm.dashboard import content as dashboard_content
from ecgmm.dashboard.destination import About, Destination
from ecgmm.errors import first_line, printable
from ecgmm.runs.facts import RunDescription

log = logging.getLogger(__name__)
_LONGEST_NAME = 128  # of a run or a group, by W&B's server
_STOPPED_S = 5  # longest wait where a signal ends the process: who sent it may send a harder one soon
_DRAWING_S = 10  # for figures and checksums of weights, which come before the last wait for the network
_TITLES = {"wandb": "W&B", "tensorboard": "TensorBoard", "mlflow": "MLflow"}
_LEFT = {
    "wandb": "`wandb sync` sends the rest",
    "tensorboard": "the figures are missing, history.csv and metrics.json have all numbers",
    "mlflow": "history.csv and metrics.json have what is missing there",
}


class Dashboard(Logger):
    """A destination that Lightning logs to; a context whose end closes it.

    A thread starts it and sends what is put in its queue. At the first failure it says so once and closes.

    Args:
        start: Starts and returns the destination; None for none at all.
        longest_wait_s: Longest wait at the end, after which the thread is left alone.
        kind: The setting ``logger.kind``.
    """

    def __init__(
        self, start: Callable[[], Destination] | None = None, longest_wait_s: float = 0, kind: str = "wandb"
    ) -> None:
        super().__init__()
        self._jobs: SimpleQueue[Callable[[Destination], object] | None] = SimpleQueue()
        self._kind, self._exit_code, self._longest_wait_s = kind, 1, longest_wait_s
        self._thread = None if start is None else Thread(target=self._work, args=(start,), name=kind, daemon=True)
        if self._thread is not None:
            self._thread.start()

    @property
    def name(self) -> str:
        """Name of the logger."""
        return self._kind

    @property
    def version(self) -> None:
        """None: files of the run directory are not named after it."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Send numbers of a step or an epoch."""
        self.send(lambda destination: destination.log(metrics, step or 0))

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Nothing: the configuration was sent at the start."""

    def send(self, job: Callable[[Destination], object]) -> None:
        """Call with the destination, in the thread, if nothing has failed so far."""
        if self._thread is not None and self._thread.is_alive():
            self._jobs.put(job)

    def _work(self, start: Callable[[], Destination]) -> None:
        destination = None
        try:
            destination = start()
            while (job := self._jobs.get()) is not None:
                job(destination)
            destination.finish(self._exit_code)
        except Exception as error:  # whatever goes wrong there, training goes on
            log.warning("%s failed (%s); the run goes on without it", _TITLES[self._kind], first_line(error))
            if destination is not None:
                with suppress(Exception):
                    destination.finish(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the destination, as failed after an error."""
        if self._thread is None:
            return
        self._exit_code = 0 if kind is None else 1
        self._jobs.put(None)
        longest_wait_s = self._longest_wait_s if kind is None or not issubclass(kind, Stopped) else _STOPPED_S
        self._thread.join(longest_wait_s)
        if self._thread.is_alive():
            title, left = _TITLES[self._kind], _LEFT[self._kind]
            log.warning("%s is not ready after %d s and is left; %s", title, longest_wait_s, left)


def open_dashboard(
    run_directory: Path, logger: Mapping[str, Any], group: str, shown: Mapping[str, Any], description: RunDescription
) -> Dashboard:
    """Start (or, for an interrupted run, continue) the logger of a run directory.

    Args:
        run_directory: Where the logger keeps its files, in a folder of its own.
        logger: The setting ``logger``.
        group: Name of the experiment.
        shown: Settings that may leave the machine (``content.shown_settings``).
        description: What ``run.json`` says. Its digest gives the run its id, so that a resumed run is the same run.

    Returns:
        The logger, which does nothing where none is asked for.
    """
    if logger["kind"] == "none" or logger.get("mode") == "disabled":
        return Dashboard()
    kind = logger["kind"]
    about = About(
        directory=run_directory.absolute(),
        name=printable(run_directory.name)[:_LONGEST_NAME],
        group=printable(group)[:_LONGEST_NAME],
        tags=dashboard_content.tags(description),
        config={**shown, "facts": dashboard_content.shown_facts(description)},
        run_id=hashlib.sha256(f"{run_directory.name}{description.config_digest}".encode()).hexdigest()[:16],
    )
    longest_wait_s = logger.get("start_timeout_s", 0) + logger["finish_timeout_s"] + _DRAWING_S
    return Dashboard(lambda: _start(about, logger), longest_wait_s, kind)


def _start(about: About, logger: Mapping[str, Any]) -> Destination:
    """Start the destination in its thread; each one's library is imported only where it is used."""
    if logger["kind"] == "tensorboard":
        from ecgmm.dashboard.tensorboard_files import TensorBoardFiles

        return TensorBoardFiles(about)
    if logger["kind"] == "mlflow":
        from ecgmm.dashboard.mlflow_run import MlflowRun

        return MlflowRun(about, logger)
    from ecgmm.dashboard.wandb_run import start

    return start(about, logger)
