"""Failures in a sweep: a job that fails does not stop the others, and is listed at the end."""

import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ecgmm.commands.command_line import user_message
from ecgmm.console.ending import write_in_any_encoding
from ecgmm.console.terminal import say
from ecgmm.files import write_whole
from ecgmm.settings import checked

log = logging.getLogger(__name__)
ERROR_LOG = "error.log"
_SECONDS_BETWEEN_LOOKS = 1.0


def attempt(job: Callable[[], float | None], directory: Path) -> float | None:
    """Run one job of a sweep, and record its failure.

    Args:
        job: Trains, and returns the objective.
        directory: Run directory of the job, where a failure is kept as ``error.log`` until the job is tried again.

    Returns:
        The objective, or None where the job failed: a search counts such a trial as failed and goes on.
    """
    write_in_any_encoding()
    if multiprocessing.parent_process() is not None:
        _end_with_parent()
    try:
        (directory / ERROR_LOG).unlink(missing_ok=True)
        value = job()
        log.info("done: %s", directory)
        return value
    except Exception as error:
        message = user_message(error)
        record_failure(directory, message or traceback.format_exc())
        log.error("failed: %s", directory)
        return None


def record_failure(directory: Path, text: str) -> None:
    """Keep why the job of a run directory failed, a sentence or a traceback, where ``ListFailures`` finds it."""
    directory.mkdir(parents=True, exist_ok=True)
    is_sentence = "\n" not in text
    write_whole(directory / ERROR_LOG, (f"error: {text}\n" if is_sentence else text).encode(errors="backslashreplace"))


@cache
def _end_with_parent() -> None:
    """End this worker when the process that started it has ended; it would otherwise work on."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _ending_the_command() -> Iterator[None]:
    """End the command at an error: Hydra makes a warning of what its callbacks raise."""
    try:
        yield
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        say(f"error: {message}", to_stderr=True)
        sys.exit(2)


class RefuseUnfit(Callback):
    """Hydra callback of all commands: settings that do not fit end them with exit code 2 before anything is made."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the settings of one run."""
        with _ending_the_command():
            checked(config.hydra.job.config_name, config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the settings that the jobs of a sweep share."""
        with _ending_the_command():
            checked(config.hydra.job.config_name, config, whole=False)


class ListFailures(Callback):
    """Hydra callback of the process that starts a sweep: exit code 1 and a list of the jobs that failed."""

    def __init__(self) -> None:
        self.started_s = time.time()  # older logs belong to other sweeps in the same folder

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """List failed jobs, each with the end of its log."""
        logs = sorted(Path(config.hydra.sweep.dir).glob(f"*/{ERROR_LOG}"))
        failed = [file for file in logs if file.stat().st_mtime >= self.started_s]
        if not failed:
            return
        say(f"{len(failed)} job{'s' * (len(failed) > 1)} failed; mend and start the sweep again:", to_stderr=True)
        for file in failed:
            last_line = file.read_text(encoding="utf-8").strip().splitlines()[-1]
            say(f"  {file}", f"    {last_line}", to_stderr=True)
        sys.exit(1)
