"""The experiment ``profile``: a trace, and parts of a step that add up to the step."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ecgmm.training.lightning.profile_steps import report

Command = Callable[..., int]
SHORT = ("+experiment=profile", "profile.skip=1", "profile.steps=2")


def test_the_parts_of_a_step_add_up_and_none_counts_twice() -> None:
    host_ms = {
        "step: loading": 1.0,
        "step: batch_to_device": 2.0,
        "step: preparation": 3.0,
        "step: training_step": 10.0,
        "step: backward": 20.0,
        "step: optimizer_step": 34.0,
        "cudaStreamSynchronize": 5.0,
    }
    lines = report(40.0, host_ms, device_ms=30.0)
    assert [float(line.split()[0]) for line in lines[1:8]] == [1.0, 2.0, 3.0, 7.0, 20.0, 4.0, 3.0]
    assert lines[8:] == [
        "the GPU is busy 30.00 ms of it (75.0 %)",
        "the host waits for the GPU 5.00 ms of it (12.5 %)",
    ]


def test_a_run_leaves_a_trace_and_says_where_the_time_goes(
    command: Command, quick_settings: list[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert command("train", *quick_settings, *SHORT, f"hydra.run.dir={run}") == 0
    events = json.loads((run / "trace.json").read_text())["traceEvents"]
    for part in ("loading", "batch_to_device", "training_step", "preparation", "backward", "optimizer_step"):
        assert sum(event["name"] == f"step: {part}" for event in events) == 2, part
    lines = (run / "profile.txt").read_text().splitlines()
    values = [float(line.split()[0]) for line in lines[1:8]]
    assert min(values[2:6]) > 0
    assert min(values) >= 0
    assert sum(values) == pytest.approx(float(lines[0].split()[3]), abs=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("profile.steps=500", "ask for more steps than the"), ("profile.skip=0", "profile.skip is 0")],
)
def test_steps_that_there_are_not_are_refused(
    command: Command,
    quick_settings: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    wrong: str,
    message: str,
) -> None:
    settings = (*SHORT, wrong, f"hydra.run.dir={tmp_path / 'run'}")
    assert command("train", *quick_settings, *settings) != 0
    assert message in capsys.readouterr().err
