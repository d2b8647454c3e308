"""W&B: one run a job, in a group a sweep, from a thread of its own: training never waits for it and never fails by it.

Console output, code, command line, machine details, system metrics and error reports to W&B's makers are switched off;
what is sent is chosen in ``dashboard_content``.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Self

import polars as pl
from lightning.pytorch.loggers.logger import Logger

from ecgmm.console.ending import Stopped
from ecgmm.dashboard import content as dashboard_content
from ecgmm.errors import first_line, printable
from ecgmm.runs.facts import RunDescription, RunFacts
from ecgmm.runs.metrics import Metrics

log = logging.getLogger(__name__)
_LONGEST_NAME = 128  # of a run or a group, by W&B's server
_STOPPED_S = 5  # longest wait where a signal ends the process: who sent it may send a harder one soon
_DRAWING_S = 10  # for figures and checksums of weights, which come before the last wait for the network


class Dashboard(Logger):
    """A W&B run that Lightning logs to; a context whose end closes it.

    A thread starts the run and sends what is put in its queue. At the first failure it says so once and closes.

    Args:
        start: Starts and returns a ``wandb.Run``; None for no W&B at all.
        longest_wait_s: Longest wait at the end, after which the thread is left alone.
    """

    def __init__(self, start: Callable[[], Any] | None = None, longest_wait_s: float = 0) -> None:
        super().__init__()
        self._jobs: SimpleQueue[Callable[[Any], object] | None] = SimpleQueue()
        self._exit_code, self._longest_wait_s = 1, longest_wait_s
        self._thread = None if start is None else Thread(target=self._work, args=(start,), name="wandb", daemon=True)
        if self._thread is not None:
            self._thread.start()

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "wandb"

    @property
    def version(self) -> None:
        """None: files of the run directory are not named after it."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Send numbers of a step or an epoch."""
        self.send(lambda run: run.log({**metrics, "trainer/global_step": step}))

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Nothing: the configuration was sent at the start."""

    def send(self, job: Callable[[Any], object]) -> None:
        """Call with the W&B run, in the thread, if nothing has failed so far."""
        if self._thread is not None and self._thread.is_alive():
            self._jobs.put(job)

    def _work(self, start: Callable[[], Any]) -> None:
        run = None
        try:
            run = start()
            while (job := self._jobs.get()) is not None:
                job(run)
            run.finish(exit_code=self._exit_code)
        except Exception as error:  # whatever goes wrong there, training goes on
            log.warning("W&B failed (%s); the run goes on without it", first_line(error))
            if run is not None:
                with suppress(Exception):
                    run.finish(exit_code=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the W&B run, as failed after an error."""
        if self._thread is None:
            return
        self._exit_code = 0 if kind is None else 1
        self._jobs.put(None)
        longest_wait_s = self._longest_wait_s if kind is None or not issubclass(kind, Stopped) else _STOPPED_S
        self._thread.join(longest_wait_s)
        if self._thread.is_alive():
            log.warning("W&B is not ready after %d s and is left; `wandb sync` sends the rest", longest_wait_s)


def open_dashboard(
    run_directory: Path, logger: Mapping[str, Any], group: str, shown: Mapping[str, Any], description: RunDescription
) -> Dashboard:
    """Start (or, for an interrupted run, continue) the W&B run of a run directory.

    Args:
        run_directory: Where W&B keeps all its files, in the folder ``wandb``.
        logger: The setting ``logger``.
        group: Name of the experiment.
        shown: Settings that may leave the machine (``content.shown_settings``).
        description: What ``run.json`` says. Its digest gives the W&B run its id, so that a resumed run is the same run.

    Returns:
        The logger, which does nothing where ``logger.mode`` is ``disabled``.
    """
    if logger["mode"] == "disabled":
        return Dashboard()
    folder = run_directory.absolute() / "wandb"
    for name in ("DATA", "CACHE", "ARTIFACT"):  # its settings know no folder for these three
        os.environ[f"WANDB_{name}_DIR"] = str(folder / "staging")
    about = {
        "project": logger["project"],
        "name": printable(run_directory.name)[:_LONGEST_NAME],
        "group": printable(group)[:_LONGEST_NAME],
        "job_type": "train",
        "tags": dashboard_content.tags(description),
        "config": {**shown, "facts": dashboard_content.shown_facts(description)},
        "id": hashlib.sha256(f"{run_directory.name}{description.config_digest}".encode()).hexdigest()[:16],
        "dir": str(folder.parent),
    }
    longest_wait_s = logger["start_timeout_s"] + logger["finish_timeout_s"] + _DRAWING_S
    return Dashboard(lambda: _start(about, logger), longest_wait_s)


def _start(about: Mapping[str, Any], logger: Mapping[str, Any]) -> Any:
    """Start the W&B run as ``logger.mode`` says, offline where the server does not take it."""
    (Path(about["dir"]) / "wandb" / "sent").mkdir(parents=True, exist_ok=True)  # else W&B takes a temporary folder
    # Read when W&B is imported: its makers would else get stack traces, and the console its advice.
    os.environ |= {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
    import wandb  # half a second, only where it is used

    off = ("disable_git", "x_disable_meta", "x_disable_machine_info", "x_disable_stats")
    settings = wandb.Settings(
        **dict.fromkeys(off, True),
        console="off",
        save_code=False,
        host="",
        program="ecgmm",  # else the path of the script
        x_save_requirements=False,  # versions are in run.json
        init_timeout=logger["start_timeout_s"],
        finish_timeout=logger["finish_timeout_s"],
    )

    def start(mode: Any) -> Any:
        # A run of its own beside others in this process: two runs of a sweep would else become one.
        run = wandb.init(**about, mode=mode, settings=settings, resume="allow", reinit="create_new")
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        return run

    mode = logger["mode"]
    if mode == "auto":
        mode = os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False, verify=False) else "offline")
    try:
        return start(mode)
    except Exception as error:
        if mode == "offline":
            raise
        log.warning(
            "W&B does not take the run (%s); it is kept offline, `wandb sync` sends it later", first_line(error)
        )
        wandb.teardown()  # its process would take the id for used
        return start("offline")


def log_results(
    dashboard: Dashboard,
    directory: Path,
    frame: pl.DataFrame,
    metrics: Metrics,
    facts: RunFacts,
    figures: Mapping[str, Path],
    manifest: dict[str, Any],
    artifacts: bool,
) -> None:
    """Send what a finished run directory holds and may leave the machine.

    Args:
        dashboard: Where to.
        directory: The run directory.
        frame: Predictions, as in ``predictions.parquet``.
        metrics: What was measured.
        facts: ``run.json``.
        figures: Files of its figures, by name.
        manifest: The store's manifest.
        artifacts: Whether tables, model and manifest are sent too.
    """

    def job(run: Any) -> None:
        run.config.update({"facts": dashboard_content.shown_facts(facts)}, allow_val_change=True)
        run.summary.update(dashboard_content.summary(frame, metrics))
        folder = directory / "wandb" / "sent"
        run.log(dashboard_content.media(figures))
        if artifacts and not directory.absolute().is_relative_to(Path.cwd()):
            log.warning("W&B gets no artifacts: they would tell it where %s lies; start above that folder", directory)
        elif artifacts:
            for artifact in dashboard_content.artifacts(directory, metrics, facts, manifest, folder, run.id):
                run.log_artifact(artifact)

    dashboard.send(job)
