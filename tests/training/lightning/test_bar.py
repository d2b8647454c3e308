"""The progress bar shows the loss so far and the validation AUROC, and looks at a loss at most once a second."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import RichProgressBar

from ecgmm.training.lightning import bar as bar_module
from ecgmm.training.lightning.bar import TrainingBar


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(bar_module, "time", SimpleNamespace(monotonic=lambda: now.s))
    return now


def shown(bar: TrainingBar, loss: float | None, logged: dict[str, float], prefix: str = "") -> dict[str, Any]:
    task: Any = SimpleNamespace(mean_loss=None if loss is None else torch.tensor(loss), log_prefix=prefix)
    trainer: Any = SimpleNamespace(callback_metrics={name: torch.tensor(value) for name, value in logged.items()})
    return dict(bar.get_metrics(trainer, task))


def test_loss_and_auroc_are_shown_once_they_are_there(clock: SimpleNamespace) -> None:
    bar = TrainingBar()
    assert shown(bar, None, {}) == {}
    clock.s += 1
    assert shown(bar, 0.5, {}) == {"loss": 0.5}
    clock.s += 1
    assert shown(bar, 0.25, {"val/auroc_macro": 0.75}) == {"loss": 0.25, "AUROC": 0.75}


def test_a_loss_is_looked_at_once_a_second(clock: SimpleNamespace) -> None:
    bar = TrainingBar()
    assert shown(bar, 0.5, {}) == {"loss": 0.5}
    clock.s += 0.9
    assert shown(bar, 0.25, {}) == {"loss": 0.5}
    clock.s += 0.2
    assert shown(bar, 0.25, {}) == {"loss": 0.25}


def test_pretraining_shows_its_own_auroc(clock: SimpleNamespace) -> None:
    logged = {"pretrain/val/auroc_macro": 0.5, "val/auroc_macro": 0.75}
    assert shown(TrainingBar(), None, logged, "pretrain/") == {"AUROC": 0.5}


def test_the_bar_moves_ten_times_a_second_and_to_its_end(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[int] = []
    monkeypatch.setattr(RichProgressBar, "on_train_batch_end", lambda self, trainer, *of: moves.append(of[-1]))
    bar = TrainingBar()
    for step in range(50):
        clock.s += 0.03
        trainer: Any = SimpleNamespace(is_last_batch=step == 49)
        bar.on_train_batch_end(trainer, None, None, None, step)
    assert moves == [*range(0, 50, 4), 49]
