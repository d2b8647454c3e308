"""Fused optimizers: which settings get one, that it learns the same, with scaled gradients too, and does not wait."""

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import lightning
import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from torch import nn
from torch.utils.data import DataLoader

from ecgmm.training.build import fused_unless_chosen
from ecgmm.training.task import DiagnosisTask
from tests.models.building import CLASSES, batch_of, build
from tests.models.no_waiting import NoWaiting


@pytest.mark.parametrize(
    ("optimizer", "added"), [({}, {"fused": True}), ({"fused": False}, {}), ({"foreach": True}, {})]
)
def test_one_kernel_unless_settings_choose(optimizer: dict[str, Any], added: dict[str, bool]) -> None:
    assert fused_unless_chosen(optimizer) == added


def test_clipped_steps_of_a_fused_optimizer_are_those_of_the_default() -> None:
    weights = []
    for fused in (False, True):
        task = DiagnosisTask(
            build("text_only"), nn.Identity(), None, torch.optim.AdamW, 0.0, CLASSES, "single_label", seed=0
        )
        task._trainer = cast(Any, SimpleNamespace(precision_plugin=SimpleNamespace(scaler=None)))
        optimizer = torch.optim.AdamW(task.parameters(), lr=1e-2, fused=fused)
        generator = torch.Generator().manual_seed(0)
        for _ in range(5):
            for parameter in task.parameters():
                parameter.grad = 10 * torch.randn(parameter.shape, generator=generator)
            task.configure_gradient_clipping(optimizer, 1.0)
            norm = torch.stack([p.grad.norm() for p in task.parameters() if p.grad is not None]).norm()
            assert norm == pytest.approx(1, abs=1e-4)
            optimizer.step()
        weights.append(nn.utils.parameters_to_vector(task.parameters()).detach())
    torch.testing.assert_close(*weights, rtol=0, atol=1e-6)


def test_scaled_gradients_are_clipped_and_left_out_by_a_fused_optimizer_as_by_the_default() -> None:
    """16 bits of a CPU stand in for a GPU's; gradients of the first steps overflow, so that they must be left out."""
    weights = []
    for fused in (False, True):
        optimizer = partial(torch.optim.AdamW, lr=1e-2, fused=fused)
        task = DiagnosisTask(build("text_only"), nn.Identity(), None, optimizer, 0.0, CLASSES, "single_label", seed=0)
        plugin = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2.0**24))
        trainer = lightning.Trainer(
            accelerator="cpu",
            max_epochs=1,
            plugins=plugin,
            gradient_clip_val=1.0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(task, DataLoader(cast(Any, [batch_of("single_label")] * 16), batch_size=None))
        assert plugin.scaler is not None
        assert plugin.scaler.get_scale() < 2.0**24, "no step overflowed"
        weights.append(nn.utils.parameters_to_vector(task.parameters()).detach())
    torch.testing.assert_close(*weights, rtol=0, atol=1e-5)


def test_a_step_of_scaled_gradients_does_not_wait() -> None:
    layer, scaler = nn.Linear(3, 1), torch.amp.GradScaler("cpu")
    optimizer = torch.optim.AdamW(layer.parameters(), fused=True)
    scaler.scale(layer(torch.ones(2, 3)).sum()).backward()
    before = layer.weight.detach().clone()
    with NoWaiting():
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    assert not torch.equal(layer.weight, before)
