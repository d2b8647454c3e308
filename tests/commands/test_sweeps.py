"""A sweep on each engine, with a job that fails, and killed on its way."""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.interrupted_sweep import compare
from benchmarks.interrupted_sweep import main as interrupt_sweep
from ecgmm.commands import command_line
from ecgmm.plan import main as plan_main
from tests.conftest import start
from tests.patience import HUNG_S, process_of

Command = Callable[..., int]
LAMBDAS = ("+experiment=lambda_sweep", "method.lambda_cons=0.1,1", "seed=1")


@pytest.fixture(scope="module")
def settings(quick_settings: list[str], tiny_store: Path) -> list[str]:
    return [text for text in quick_settings if not text.startswith("recipe=")]


@pytest.fixture(scope="module")
def reference(settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep, one job after another."""
    outputs = tmp_path_factory.mktemp("reference")
    assert start("train", "hydra/launcher=basic", *LAMBDAS, *settings, f"paths.outputs={outputs}") == 0
    return outputs / "lambda_sweep"


def run(*arguments: str) -> int:
    """A sweep in a process of its own, as engines need it; on one thread as here, so that sums have one order."""
    command = [sys.executable, "-m", "ecgmm.train", *arguments]
    return subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False).returncode


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    [
        ["n_jobs=2"],
        ["hydra/launcher=submitit_local", "hydra.launcher.cpus_per_task=1"],
        [
            "hydra/launcher=ray",
            "+hydra.launcher.ray.init.num_cpus=2",
            "+hydra.launcher.ray.init.include_dashboard=false",
        ],
    ],
    ids=["joblib", "submitit_local", "ray"],
)
def test_every_engine_gives_the_numbers_of_one_job_after_another(
    engine: list[str], settings: list[str], reference: Path, tmp_path: Path
) -> None:
    assert run(*engine, *LAMBDAS, *settings, f"paths.outputs={tmp_path}") == 0
    assert len(list(reference.glob("*/metrics.json"))) == 2
    assert compare(reference, tmp_path / "lambda_sweep") == []


@pytest.mark.slow
def test_workers_end_with_the_process_that_started_them(settings: list[str], tmp_path: Path) -> None:
    long = [text.replace("max_epochs=2", "max_epochs=1000") for text in settings]
    command = [sys.executable, "-m", "ecgmm.train", *LAMBDAS, *long, f"paths.outputs={tmp_path}"]
    with process_of(command) as first:
        wait_until(lambda: len(list(tmp_path.rglob("history.csv"))) == 2)
        first.kill()
    folders = [file.parent for file in tmp_path.rglob("history.csv")]
    wait_until(lambda: all(is_free(folder) for folder in folders), seconds=10)


def wait_until(done: Callable[[], bool], seconds: float = HUNG_S) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)


def is_free(folder: Path) -> bool:
    """Whether no process holds the lock of a run directory."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


@pytest.mark.slow
def test_a_sweep_killed_on_its_way_ends_with_the_same_bytes(
    settings: list[str], reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    how = ["--reference", str(reference), "--kills", "3", "--seconds", "5", "--folder", str(tmp_path)]
    assert interrupt_sweep([*how, *LAMBDAS, *settings]) == 0


def test_a_difference_is_found(tmp_path: Path) -> None:
    for side, text in (("a", "1"), ("b", "2")):
        (tmp_path / side / "job").mkdir(parents=True)
        (tmp_path / side / "job" / "metrics.json").write_text(text)
    (tmp_path / "b" / "more").mkdir()
    (tmp_path / "b" / "more" / "metrics.json").write_text("3")
    assert compare(tmp_path / "a", tmp_path / "b") == ["job", "more"]


@pytest.mark.slow
def test_a_failed_job_is_listed_and_does_not_stop_the_others(
    command: Command, settings: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sweep = ("+experiment=table2", "method=majority", "seed=1", "hydra/launcher=basic", f"paths.outputs={tmp_path}")
    settings = [text for text in settings if not text.startswith("evaluation")]
    assert command("train", *sweep, "evaluation.n_resamples=0,20", *settings) == 1
    printed = capfd.readouterr().err
    assert "1 job failed" in printed
    assert "evaluation.n_resamples is 0" in printed
    (failed,) = tmp_path.glob("table2/*/error.log")
    assert len(list(tmp_path.glob("table2/*/metrics.json"))) == 1

    assert command("train", *sweep, "evaluation.n_resamples=20", *settings) == 0, (
        "an older failure is not of this sweep"
    )
    failed.with_name("error.log").write_text("left")
    assert command("train", *sweep, "evaluation.n_resamples=20,0", *settings) == 1
    assert "n_resamples is 0" in failed.read_text(), "a new try replaces the log"


@pytest.mark.slow
def test_a_search_goes_on_after_a_failed_trial_and_again_from_what_is_finished(
    command: Command, settings: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = [*(text for text in settings if not text.startswith("batch_size")), f"paths.outputs={tmp_path}"]
    search = ("+experiment=search", "batch_size=choice(0,32)", "hydra/launcher=basic", *settings)
    assert command("train", *search, "hydra.sweeper.n_trials=3") == 1
    assert "batch_size is 0" in capfd.readouterr().err
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("metrics.json")}
    assert finished
    assert command("train", *search, "hydra.sweeper.n_trials=4") == 1
    found = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("metrics.json")}
    assert finished.items() < found.items()
    assert len(list(tmp_path.rglob("run.json"))) == len(found)


def test_a_plan_lists_new_interrupted_and_finished_jobs_and_their_time(
    command: Command,
    settings: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweep = ["+experiment=table2", "method=majority,text_only", "seed=1", *settings, f"paths.outputs={tmp_path}"]
    assert command("train", *(text.replace("majority,", "") for text in sweep), "hydra/launcher=basic") == 0
    made = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(sys, "argv", ["ecgmm.plan", *sweep])
    capsys.readouterr()
    plan_main()
    new, finished, counts, total, disk = capsys.readouterr().out.splitlines()
    assert new.split()[0] == "new"
    assert finished.split()[0] == "finished"
    assert counts == "2 jobs: 1 new, 1 finished"
    assert "2 side by side" in total
    assert "of disk in the end" in disk
    assert sorted(tmp_path.rglob("*")) == made, "nothing is written"

    (run_json,) = tmp_path.glob("table2/*/run.json")
    run_json.write_text(run_json.read_text().replace('"finished": true', '"finished": false'))
    (run_json.parent / "history.csv").write_text("epoch\n0\n")
    plan_main()
    interrupted = capsys.readouterr().out.splitlines()[1]
    assert interrupted.startswith("interrupted")
    assert float(interrupted.split()[1]) >= 0


def test_a_plan_without_a_store_names_the_command_that_makes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["ecgmm.plan", "+experiment=lambda_sweep", f"paths.stores={tmp_path}"])
    with pytest.raises(SystemExit):
        command_line.run(plan_main)
    assert "python -m ecgmm.prepare data=synthetic data.rate_hz=100" in capsys.readouterr().err
