"""Averaged weights: by hand on a toy, in validation and in what is saved, and the same after an interruption."""

from collections.abc import Callable
from pathlib import Path

import lightning
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ecgmm.training.lightning.averaged_weights import AveragedWeights
from tests.training.lightning.test_resume import Steps, assert_same

Command = Callable[..., int]


class Counter(lightning.LightningModule):
    """One weight that rises by 1 a step, beside a constant, a frozen weight and a counter; remembers what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.0))
        self.frozen = nn.Parameter(torch.tensor(0.1), requires_grad=False)
        self.register_buffer("n_steps", torch.tensor(0))
        self.n_steps: Tensor
        self.validated: list[tuple[float, float, int]] = []

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        self.n_steps += 1
        return -self.weight

    def validation_step(self, batch: Tensor, batch_index: int) -> None:
        self.validated.append((self.weight.item(), self.frozen.item(), int(self.n_steps)))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([self.weight], lr=1.0)


def average_of(n_steps: int, decay: float) -> float:
    """After each step the weight is 1, 2, ...; the first is taken as it is."""
    average = 1.0
    for step in range(1, n_steps):
        kept = min(decay, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * (step + 1)
    return average


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_average_is_that_by_hand_where_it_is_validated_and_in_the_end(decay: float, tmp_path: Path) -> None:
    task, batches = Counter(), DataLoader(TensorDataset(torch.zeros(4, 1)))
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[AveragedWeights(decay)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=tmp_path,
    )
    trainer.fit(task, batches, batches)
    validated = [weight for weight, *_ in task.validated[::4]]
    assert validated == pytest.approx([average_of(4, decay), average_of(8, decay)])
    assert {frozen for _, frozen, _ in task.validated} == {torch.tensor(0.1).item()}  # to the bit
    assert [n_steps for *_, n_steps in task.validated[::4]] == [4, 8]
    assert task.weight.item() == pytest.approx(average_of(8, decay))


@pytest.mark.slow
def test_killed_in_an_epoch_it_goes_on_with_both_weights_and_saves_the_average(
    command: Command, quick_settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(outputs: str, *more: str) -> Path:
        settings = (*quick_settings, "checkpoint_minutes=0", "method=concat", *more)
        assert command("train", *settings, f"hydra.run.dir={tmp_path / outputs}") == 0
        return tmp_path / outputs

    steps = Steps(monkeypatch)
    whole = train("whole", "ema_decay=0.9", "keep_checkpoints=true")
    steps.done, steps.stop_after = 0, 6
    with pytest.raises(RuntimeError, match="power failure"):
        train("killed", "ema_decay=0.9")
    steps.stop_after = 10_000
    assert_same(train("killed", "ema_decay=0.9"), whole)

    plain = load_file(train("plain") / "model" / "model.safetensors")
    averaged = load_file(whole / "model" / "model.safetensors")
    assert plain.keys() == averaged.keys()
    assert any(not torch.equal(plain[name], averaged[name]) for name in plain)
    checkpoint = torch.load(whole / "checkpoints" / "best.ckpt", weights_only=True)
    saved = checkpoint["state_dict"]
    assert all(torch.equal(saved[f"method.{name}"], averaged[name]) for name in averaged)
