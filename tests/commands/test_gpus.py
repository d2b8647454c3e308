"""GPUs of a sweep: which there are, how many jobs at once, and which job gets which."""

import os
import sys
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from ecgmm.commands.gpus import VISIBLE, gpus_of, jobs_at_once, least_used, seeing_only


def trainer(accelerator: str = "auto", devices: object = 1) -> DictConfig:
    return OmegaConf.create({"accelerator": accelerator, "devices": devices})


@pytest.mark.parametrize(
    ("visible", "names"),
    [("2,0", ["2", "0"]), ("", []), ("-1", []), ("1,-1,3", ["1"]), ("GPU-a, GPU-b", ["GPU-a", "GPU-b"])],
)
def test_those_that_are_visible_count(visible: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, visible)
    assert gpus_of(trainer()) == gpus_of(trainer("gpu")) == names
    assert gpus_of(trainer("cpu")) == gpus_of(trainer("gpu", [1])) == gpus_of({}) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script of a shell")
@pytest.mark.parametrize(("code", "names"), [(0, ["GPU-1", "GPU-2"]), (9, [])])
def test_the_driver_is_asked_where_nothing_is_said(
    code: int, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus_of(trainer()) == []
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho GPU-1\necho GPU-2\nexit {code}\n")
    program.chmod(0o755)
    assert gpus_of(trainer()) == names


@pytest.mark.parametrize(
    ("n_jobs", "n_gpus", "at_once"), [(None, 0, 2), (None, 1, 1), (None, 4, 4), (3, 0, 3), (3, 1, 3), (1, 4, 1)]
)
def test_one_job_a_gpu_unless_told(n_jobs: int | None, n_gpus: int, at_once: int) -> None:
    assert jobs_at_once(n_jobs, ["gpu"] * n_gpus) == at_once


def test_workers_are_spread_evenly_and_a_gpu_whose_worker_died_is_next() -> None:
    assert least_used([], []) is None
    assert least_used(["a", "b", "c"], ["a", "c"]) == "b"
    assert least_used(["a", "b"], ["b", "a", "a"]) == "b"
    assert least_used(["a", "b"], ["a", "b"]) == "a"


@pytest.mark.parametrize("before", [None, "5"])
def test_only_what_is_started_meanwhile_sees_one_gpu(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    if before is not None:
        monkeypatch.setenv(VISIBLE, before)
    with seeing_only("7"):
        assert os.environ[VISIBLE] == "7"
    assert os.environ.get(VISIBLE) == before
    with seeing_only(None):
        assert os.environ.get(VISIBLE) == before
