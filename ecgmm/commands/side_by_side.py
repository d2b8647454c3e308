"""Pool of worker processes for the jobs of a sweep: one that dies costs its own job only, one that grew is replaced."""

import logging
import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from joblib import cpu_count
from joblib.externals import cloudpickle
from omegaconf import DictConfig, open_dict

from ecgmm.commands.gpus import gpus_of, jobs_at_once, least_used, seeing_only
from ecgmm.commands.memory import give_back_memory, peak_memory_mb
from ecgmm.commands.pace import Pace, was_trained
from ecgmm.commands.sweeps import record_failure
from ecgmm.console.ending import Stopped, StopSignals, write_in_any_encoding
from ecgmm.console.system_errors import first_sentence

log = logging.getLogger(__name__)
Job = tuple[int, list[str]]
"""Number and overrides."""
_SECONDS_TO_STOP = 10.0
_THREADS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMBA", "NUMEXPR")
_KERNELS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128", "LRU_CACHE_CAPACITY": "128"}
"""Kernels that oneDNN, and torch above it, keep for reuse: more than a step has, in place of 1,024 each. Each method
and each length of texts has kernels of its own, so that a worker grew with its jobs until it had so many."""
_LARGEST_MB = 1320
"""Peak memory from which on a worker takes no further job, as methods with a language model or tokens of leads have it
at size=tiny. Half of it are the libraries, which a fresh worker takes some ten seconds to load."""


class _Worker:
    """Process that runs one job after another.

    Attributes:
        gpu: The only GPU that it sees, before torch is loaded; None where it sees what there is.
        connection: Pipe that results come through; also ready to read when the process has ended.
        job: Job that it runs; None while it waits.
        began_s: When it was given the job, in seconds since 1970.
        gone: Whether the process has ended, or ends because it has grown.
    """

    def __init__(self, gpu: str | None) -> None:
        self.gpu = gpu
        context = get_context("spawn")  # a fork would copy the locks of other threads
        self.connection, theirs = context.Pipe()
        # Little is handed over here: start() would wait for ever where the process is ended before it has read much.
        self._process = context.Process(target=_serve, args=(theirs,))
        with seeing_only(gpu):
            self._process.start()
        theirs.close()
        self.job: Job | None = None
        self.began_s = 0.0
        self.gone = False

    def give(self, job: Job, how: bytes) -> None:
        """Start a job."""
        self.job, self.began_s = job, time.time()
        with suppress(OSError):  # the process has ended: ``take`` says how
            self.connection.send((job, how))

    def take(self) -> tuple[Job, JobReturn | str]:
        """Return the job and its result, or the reason why there is none."""
        job, self.job = self.job, None
        assert job is not None
        try:
            result, self.gone = pickle.loads(self.connection.recv_bytes())  # noqa: S301 (of our own process)
        except (EOFError, OSError):
            self.gone = True
            self._process.join()
            return job, _how_it_ended(self._process.exitcode)
        return job, result

    def stop(self) -> None:
        """Ask the process to end now."""
        self._process.terminate()

    def end(self, deadline_s: float) -> None:
        """Wait for the process to end until ``deadline_s`` of the monotonic clock, then kill it."""
        self.connection.close()
        self._process.join(max(0, deadline_s - time.monotonic()))
        self._process.kill()
        self._process.join()


@dataclass(frozen=True)
class Sweep:
    """What Hydra hands to a launcher, and a worker needs.

    Attributes:
        context: Hydra's own.
        config: The composition that the jobs have in common.
        task_function: Called in a worker with the composition of a job.
    """

    context: HydraContext
    config: DictConfig
    task_function: TaskFunction

    def directory(self, job: Job) -> Path:
        """The run directory of a job."""
        place = self.composed(job).hydra.sweep
        return Path(place.dir, place.subdir)

    def composed(self, job: Job) -> DictConfig:
        """The composition of a job; it becomes Hydra's current one."""
        number, overrides = job
        composed = self.context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(composed):
            composed.hydra.job.id = f"{composed.hydra.job.name}_{number}"
            composed.hydra.job.num = number
        HydraConfig.instance().set_config(composed)
        return composed


def run_jobs(jobs: Sequence[Job], n_jobs: int | None, sweep: Sweep) -> list[JobReturn]:
    """Run jobs, each with its share of the cores and, where there are GPUs, on one of them.

    Args:
        jobs: In their order.
        n_jobs: Number of jobs at a time; None for one a GPU, or two where there is none.
        sweep: The sweep whose jobs they are.

    Returns:
        A result for each job, in their order; a job whose process was ended has None for its value.

    Raises:
        Stopped: By a signal, with a note that lists the jobs that are not finished. Workers are ended before.
    """
    hydra = sweep.config.hydra
    configure_log(hydra.hydra_logging, hydra.verbose)
    gpus = gpus_of(sweep.config.get("trainer") or {})
    n_jobs = jobs_at_once(n_jobs, gpus)
    n_workers = min(n_jobs, len(jobs))
    where = f" on {len(gpus)} GPUs" if len(gpus) > 1 else ""
    log.info("%d jobs in %s, %d at a time%s", len(jobs), hydra.sweep.dir, n_workers, where)
    for number, overrides in jobs:
        log.info("\t#%d : %s", number, " ".join(filter_overrides(overrides)))
    _set_up_workers(n_jobs)
    how = cloudpickle.dumps((sweep, Singleton.get_state()))
    pace = Pace(len(jobs), n_workers)
    waiting, results, workers = deque(jobs), dict[int, JobReturn](), list[_Worker]()
    try:
        while len(results) < len(jobs):
            workers = [worker for worker in workers if not worker.gone]
            busy = sum(worker.job is not None for worker in workers)
            for _ in range(min(n_workers - len(workers), busy + len(waiting) - len(workers))):
                workers.append(_Worker(least_used(gpus, [worker.gpu for worker in workers])))
            for worker in workers:
                if worker.job is None and waiting:
                    worker.give(waiting.popleft(), how)
            working = [worker for worker in workers if worker.job is not None]
            ready = wait([worker.connection for worker in working])
            for worker in working:
                if worker.connection not in ready:
                    continue
                job, result = worker.take()
                results[job[0]] = _lost(job, result, sweep) if isinstance(result, str) else result
                pace.count(time.time() - worker.began_s if was_trained(results[job[0]], worker.began_s) else None)
                log.info("%s", pace)
    except Stopped as stop:
        for worker in workers:
            worker.stop()
        unfinished = [sweep.directory(job) for job in jobs if job[0] not in results]
        stop.add_note(
            f"{len(unfinished)} of {len(jobs)} jobs are not finished, and the same command goes on with them:\n"
            + "\n".join(f"  {directory}" for directory in unfinished)
        )
        raise
    finally:
        deadline_s = time.monotonic() + _SECONDS_TO_STOP
        for worker in workers:
            worker.end(deadline_s)
    return [results[number] for number, _ in jobs]


def _serve(connection: Connection) -> None:
    """Run jobs in a worker until it has grown, or the pipe is closed."""
    write_in_any_encoding()
    # What the terminal sends to all processes is seen to by the first one, which then stops this one.
    with StopSignals(ignored=(signal.SIGINT, signal.SIGHUP)) as signals:
        try:
            has_grown = False
            while not has_grown:
                job, how = connection.recv()
                result = _do(job, how)
                has_grown = peak_memory_mb() > _LARGEST_MB
                connection.send_bytes(cloudpickle.dumps((result, has_grown)))
                give_back_memory()
            return
        except EOFError:
            return
        except Stopped:
            pass
    assert signals.stop is not None
    sys.stderr.flush()
    os._exit(signals.stop.exit_code)  # taking down torch takes a second or more, and whoever stops it waits


def _do(job: Job, how: bytes) -> JobReturn | str:
    """Run a job; return its result, or the reason why there is none."""
    try:
        sweep, state = pickle.loads(how)  # noqa: S301 (of our own process)
        setup_globals()
        Singleton.set_state(state)
        return run_job(
            hydra_context=sweep.context,
            config=sweep.composed(job),
            task_function=sweep.task_function,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
    except Exception as error:  # before the job itself has begun, which reports its own
        return first_sentence(error) or f"{type(error).__name__}: {error}"


def _lost(job: Job, why: str, sweep: Sweep) -> JobReturn:
    """Record that a job has no result, and return a placeholder for it."""
    directory = sweep.directory(job)
    record_failure(directory, why)
    log.error("failed: %s (%s)", directory, why)
    return JobReturn(overrides=job[1], cfg=sweep.composed(job), status=JobStatus.COMPLETED, _return_value=None)


def _how_it_ended(exit_code: int | None) -> str:
    assert exit_code is not None
    number = -exit_code if exit_code < 0 else exit_code - 128
    if number in list(signal.Signals):
        name = signal.Signals(number).name
        memory = ", as the system does for want of memory: a smaller n_jobs or batch_size needs less"
        return f"its process was ended by {name}{memory if number == signal.SIGKILL else ''}"
    return f"its process ended with exit code {exit_code}"


def _set_up_workers(n_jobs: int) -> None:
    share = max(1, cpu_count() // n_jobs)
    for name, value in ({f"{name}_NUM_THREADS": str(share) for name in _THREADS} | _KERNELS).items():
        os.environ.setdefault(name, value)  # workers take them over
