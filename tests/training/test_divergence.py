"""Training that diverges ends in one sentence with the rate that was set, wherever it shows first."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ecgmm.training.task import DiagnosisTask

Command = Callable[..., int]


@pytest.mark.parametrize(
    "settings",
    [
        ("method=gated_fusion",),
        ("method=ecg_clip", "stages=two", "pretrain_epochs=1"),
    ],
)
def test_it_says_the_rate_that_was_set(
    command: Command,
    quick_settings: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: tuple[str, ...],
) -> None:
    arguments = (*quick_settings, *settings, "optimizer.lr=1e3")
    assert command("train", *arguments, f"hydra.run.dir={tmp_path}/run") == 2
    error = capsys.readouterr().err
    assert "training diverged: " in error
    assert "lower optimizer.lr, which is set to 1000" in error
    assert "Traceback" not in error
    assert not (tmp_path / "run" / "metrics.json").exists()


@pytest.mark.parametrize("epoch", [0, 1])
@pytest.mark.parametrize("place", ["validation_step", "predict_step"])
def test_weights_that_are_no_numbers_after_a_sound_loss(
    command: Command,
    quick_settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
    epoch: int,
) -> None:
    """The last step of an epoch ruins them: validation shows it, or only prediction (as of the closing epoch)."""
    original = getattr(DiagnosisTask, place)

    def ruined(self: DiagnosisTask, *arguments: object) -> object:
        if place == "predict_step" or self.current_epoch == epoch:
            for parameter in self.method.parameters():
                torch.nn.init.constant_(parameter, torch.nan)
        return original(self, *arguments)

    monkeypatch.setattr(DiagnosisTask, place, ruined)
    arguments = ("trainer.precision=32-true", f"hydra.run.dir={tmp_path}/run")
    assert command("train", *quick_settings, *arguments) == 2
    error = capsys.readouterr().err
    assert "lower optimizer.lr, which is set to 0.002" in error
    assert "32-true" not in error.splitlines()[-1]  # it is set already
    if place == "validation_step":
        assert f"in epoch {epoch}" in error
