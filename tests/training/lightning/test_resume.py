"""A run that is killed in the middle of an epoch ends with the bytes of one that was not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ecgmm.training.task import DiagnosisTask

Command = Callable[..., int]
STEPS_PER_EPOCH = 4
EVERY_STEP = "checkpoint_minutes=0"


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train, with dropout and augmentation as they are by default; returns the run directory."""

    def run(*overrides: str, outputs: str) -> Path:
        settings = (*quick_settings, EVERY_STEP, *overrides)
        assert command("train", *settings, f"hydra.run.dir={tmp_path / outputs}") == 0
        return tmp_path / outputs

    return run


class Steps:
    """Counts training steps, and fails after some of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done, self.stop_after = 0, 10_000
        original = DiagnosisTask.training_step

        def step(task: DiagnosisTask, *arguments: object) -> torch.Tensor:
            if self.done == self.stop_after:
                raise RuntimeError("power failure")
            self.done += 1
            return original(task, *arguments)  # type: ignore[arg-type]  # as Lightning passes them

        monkeypatch.setattr(DiagnosisTask, "training_step", step)


def assert_same(run: Path, other: Path) -> None:
    for name in ("metrics.json", "history.csv", "model/model.safetensors"):
        assert (run / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize(
    ("settings", "stops"),
    [
        (("trainer.max_epochs=3",), (2,)),  # in the first epoch
        (("trainer.max_epochs=3", "sampling=balanced"), (5, 7)),  # twice in the second
        # At the last step of all, which was not saved, and between two epochs.
        pytest.param(("trainer.max_epochs=3", "prefetch=0"), (11,), marks=pytest.mark.slow),
        pytest.param(("trainer.max_epochs=3", "data.residency=memory"), (4,), marks=pytest.mark.slow),
        pytest.param(("method=evidence_fusion", "corruption=default"), (2, 6), marks=pytest.mark.slow),
        pytest.param(("method=text_only", "corruption=default"), (2, 6), marks=pytest.mark.slow),
        (("method=ecg_clip", "stages=two", "pretrain_epochs=1"), (2, 6)),  # in both stages
    ],
)
def test_killed_in_an_epoch_it_goes_on_from_there_and_ends_the_same(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, settings: tuple[str, ...], stops: tuple[int, ...]
) -> None:
    steps = Steps(monkeypatch)
    whole = train(*settings, outputs="whole")
    n_steps, steps.done = steps.done, 0
    for steps.stop_after in stops:
        with pytest.raises(RuntimeError, match="power failure"):
            train(*settings, outputs="killed")
    steps.stop_after = 10_000
    resumed = train(*settings, outputs="killed")
    assert n_steps % STEPS_PER_EPOCH == 0
    assert steps.done == n_steps  # no step was done twice
    assert_same(resumed, whole)


def test_checkpoints_at_epoch_ends_only_where_that_is_asked_for(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    steps.stop_after = STEPS_PER_EPOCH + 2
    with pytest.raises(RuntimeError, match="power failure"):
        train("checkpoint_minutes=null", outputs="run")
    steps.done, steps.stop_after = 0, 10_000
    train("checkpoint_minutes=null", outputs="run")
    assert steps.done == STEPS_PER_EPOCH


def test_the_clock_of_an_epoch_runs_on_after_an_interruption(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    steps.stop_after = 3
    with pytest.raises(RuntimeError, match="power failure"):
        train("trainer.max_epochs=1", outputs="run")
    steps.stop_after = 10_000
    facts = json.loads((train("trainer.max_epochs=1", outputs="run") / "run.json").read_text())
    assert 0 < facts["seconds_per_epoch"] < 60


def test_how_often_is_saved_and_how_batches_are_fetched_is_no_other_run(train: Callable[..., Path]) -> None:
    first = json.loads((train("trainer.max_epochs=1", outputs="run") / "run.json").read_text())
    again = train("trainer.max_epochs=1", "checkpoint_minutes=5", "prefetch=0", outputs="run")
    assert json.loads((again / "run.json").read_text()) == first


def test_killed_in_validation_it_does_the_last_step_again_and_ends_the_same(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(outputs="whole")

    def fail(*_: object) -> None:
        raise RuntimeError("power failure")

    with monkeypatch.context() as patch:
        patch.setattr(DiagnosisTask, "validation_step", fail)
        with pytest.raises(RuntimeError, match="power failure"):
            train(outputs="killed")
    steps = Steps(monkeypatch)
    resumed = train(outputs="killed")
    assert steps.done == STEPS_PER_EPOCH + 1
    assert_same(resumed, whole)
