"""Fused optimizers where gradients are not scaled: which settings get one, and that it learns the same."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import nn

from ecgmm.training.build import fused_where_possible
from ecgmm.training.task import DiagnosisTask
from tests.models.building import CLASSES, build


@pytest.mark.parametrize(
    ("optimizer", "precision", "added"),
    [
        ({}, "32-true", {"fused": True}),
        ({}, "bf16-mixed", {"fused": True}),
        ({}, "16-mixed", {}),
        ({"fused": False}, "32-true", {}),
        ({"foreach": True}, "32-true", {}),
    ],
)
def test_one_kernel_unless_gradients_are_scaled_or_settings_choose(
    optimizer: dict[str, Any], precision: str, added: dict[str, bool]
) -> None:
    assert fused_where_possible(optimizer, {"precision": precision, "accelerator": "cpu"}) == added


def test_clipped_steps_of_a_fused_optimizer_are_those_of_the_default() -> None:
    weights = []
    for fused in (False, True):
        task = DiagnosisTask(
            build("text_only"), nn.Identity(), None, torch.optim.AdamW, 0.0, CLASSES, "single_label", seed=0
        )
        task._trainer = cast(Any, SimpleNamespace(precision="bf16-mixed"))
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
