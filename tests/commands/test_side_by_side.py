"""Jobs of a sweep in processes: one that is ended from outside ends nothing but its job; a signal ends them all."""

import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.patience import HUNG_S, process_of

APP = """
import ctypes, os, signal, sys, time
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from ecgmm.commands import command_line
from ecgmm.errors import ConfigError
from ecgmm.commands.sweeps import attempt

@hydra.main(version_base="1.3", config_path=None, config_name=None)
def main(config):
    directory = Path(HydraConfig.get().runtime.output_dir)
    return attempt(lambda: job(config.do, directory), directory)

def job(do, directory):
    if do == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if do == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if do == "exit": os._exit(7)
    if do == "terminate": os.kill(os.getpid(), signal.SIGTERM); time.sleep(600)
    if do == "fail": raise ConfigError("a mistake")
    if do == "memory": raise MemoryError
    if do == "bullet": print("\\u2022", file=sys.stderr)
    if do == "grow": b"x" * 1400 * 2**20
    if do == "sleep":
        (directory / "started").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        time.sleep(600)
    (directory / "done").write_text(os.environ["OMP_NUM_THREADS"])
    kept = os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"], os.environ["LRU_CACHE_CAPACITY"]
    (directory / "kernels").write_text(" ".join(kept))
    (directory / "process").write_text(str(os.getpid()))
    (directory / "gpu").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    return 1.0

if __name__ == "__main__":
    command_line.run(main)
"""


def start(
    folder: Path, jobs: str, n_jobs: int | None = None, **options: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    (folder / "app.py").write_text(APP)
    command = [sys.executable, "app.py", "-m", f"+do={jobs}", "hydra.sweep.dir=sweep", "hydra.sweep.subdir=${do}"]
    launcher = "hydra_plugins.ecgmm.SideBySide"
    command += ["hydra/hydra_logging=none", "hydra/job_logging=none", "hydra.output_subdir=null"]
    command += [
        f"hydra.launcher._target_={launcher}",
        f"++hydra.launcher.n_jobs={'null' if n_jobs is None else n_jobs}",
    ]
    command += ["+trainer.accelerator=auto"]
    command += ["+hydra.callbacks.failures._target_=ecgmm.commands.sweeps.ListFailures"]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment["CUDA_VISIBLE_DEVICES"] = "GPU-one, GPU-two"  # stand-ins: nothing here looks for them
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    return process_of(command, cwd=folder, env=environment | options, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def done(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in folder.glob("sweep/*/done"))


@pytest.mark.slow
def test_jobs_that_are_ended_are_listed_and_the_others_are_done(tmp_path: Path) -> None:
    jobs = "a,kill,crash,exit,terminate,fail,memory,bullet,b"
    with start(tmp_path, jobs, PYTHONIOENCODING="ascii") as process:
        _, printed = process.communicate(timeout=HUNG_S)
    assert process.returncode == 1
    assert done(tmp_path) == ["a", "b", "bullet"]
    assert "6 jobs failed" in printed
    assert "Traceback" not in printed
    reasons = {
        "kill": "ended by SIGKILL, as the system does for want of memory",
        "crash": "ended by SIGSEGV",
        "exit": "ended with exit code 7",
        "terminate": "ended by SIGTERM",
        "fail": "a mistake",
        "memory": "too little memory",
    }
    for job, reason in reasons.items():
        assert reason in (tmp_path / "sweep" / job / "error.log").read_text(), job
        assert f"sweep/{job}/error.log" in printed


@pytest.mark.slow
def test_a_worker_that_has_grown_is_replaced_and_others_go_on(tmp_path: Path) -> None:
    with start(tmp_path, "grow,a,b", n_jobs=1) as process:
        _, printed = process.communicate(timeout=HUNG_S)
    assert process.returncode == 0, printed
    ran = {job: (tmp_path / "sweep" / job / "process").read_text() for job in ("grow", "a", "b")}
    assert ran["grow"] != ran["a"] == ran["b"]


@pytest.mark.parametrize(("number", "code"), [(15, 143), pytest.param(2, 130, marks=pytest.mark.slow)])
def test_a_signal_ends_all_and_lists_what_is_unfinished(number: int, code: int, tmp_path: Path) -> None:
    with start(tmp_path, "a,sleep,b,c") as process:
        end = time.monotonic() + HUNG_S
        while not ((tmp_path / "sweep" / "sleep" / "started").exists() and done(tmp_path) == ["a", "b", "c"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(3)  # a job's last file is there before its result has reached the first process
        process.send_signal(number)
        _, printed = process.communicate(timeout=HUNG_S)
    assert process.returncode == code
    assert printed.splitlines()[-2:] == [
        f"stopped by {signal.Signals(number).name}; 1 of 4 jobs are not finished, and the same command goes on with"
        " them:",
        "  sweep/sleep",
    ]
    gpus = {job: (tmp_path / "sweep" / job / "gpu").read_text() for job in "abc"}
    asleep = (tmp_path / "sweep" / "sleep" / "started").read_text()
    assert {asleep, *gpus.values()} == {"GPU-one", "GPU-two"}
    assert list(gpus.values()).count(asleep) <= 1, "those that follow run on the GPU that is free"
    threads = (tmp_path / "sweep" / "a" / "done").read_text()
    assert int(threads) == max(1, len(os.sched_getaffinity(0)) // 2), "each worker has its share of the cores"
    kernels = (tmp_path / "sweep" / "a" / "kernels").read_text().split()
    assert max(map(int, kernels)) < 1024, "and does not grow with the kernels of all methods and lengths of texts"
