"""A training step of the methods never makes the host wait for the device."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from ecgmm.signal import augment
from ecgmm.signal.augment import Augmentation, changed_together
from ecgmm.signal.missing import bridge_gaps
from ecgmm.signal.normalise import is_constant
from ecgmm.training.task import DiagnosisTask
from ecgmm.types import MISSING_SAMPLE
from tests.models.building import CLASSES, LEARNT, Task, batch_of, build
from tests.models.no_waiting import NoWaiting

WAITING = ("time_frequency", "meit", "evidence_fusion")
"""These compare pairs of records that have both modalities, or score present words only: values decide the sizes."""
WITHOUT_WAITING = tuple(name for name in LEARNT if name not in WAITING)


@pytest.fixture(autouse=True)
def as_a_gpu_augments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU, which has nothing to wait for, looks at what was drawn and leaves out the rest."""
    monkeypatch.setattr(augment, "changed_one_by_one", changed_together)
    monkeypatch.setattr(augment, "is_flat", is_constant)


def step_of(name: str, task_name: Task) -> Callable[[], Tensor]:
    """A training step with augmentation, backward and clipping; records that lack a modality are among the batch."""
    augmentation = Augmentation([0.2] * 12, 100, 0.5, 0.2, 0.5, 0.02, 0.1, 0.1)
    task = DiagnosisTask(
        build(name, task_name), nn.Identity(), augmentation, torch.optim.AdamW, 0.0, CLASSES, task_name, seed=0
    ).train()
    learning = [parameter for parameter in task.parameters() if parameter.requires_grad]
    optimizer, batch = torch.optim.AdamW(learning), batch_of(task_name, complete=False)

    def step() -> Tensor:
        loss = task.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(learning, 1.0)
        return loss

    return step


@pytest.mark.parametrize("task_name", ["single_label", "multi_label"])
@pytest.mark.parametrize("name", WITHOUT_WAITING)
def test_a_step_does_not_wait(name: str, task_name: Task) -> None:
    step = step_of(name, task_name)
    with NoWaiting():
        step()


@pytest.mark.parametrize("name", WAITING)
def test_the_list_of_methods_that_wait_is_true(name: str) -> None:
    step = step_of(name, "single_label")
    with pytest.raises(AssertionError, match="makes the host wait"), NoWaiting():
        step()


def test_bridging_gaps_as_a_gpu_does_it_does_not_wait() -> None:
    steps = torch.randint(-100, 100, (3, 12, 50), dtype=torch.int16)
    steps[0, 0, 5:9] = MISSING_SAMPLE
    with NoWaiting():
        bridge_gaps(steps.float(), steps == MISSING_SAMPLE)


@pytest.mark.parametrize(
    "waits",
    [
        lambda values: values.sum().item(),
        lambda values: bool((values > 0).any()),
        lambda values: values[values > 0],
        lambda values: values.nonzero(),
        lambda values: values.new_tensor([1.0, 2.0]),
        lambda values: nn.functional.one_hot(values.long().abs()),
    ],
)
def test_the_guard_sees_what_waits(waits: Callable[[Tensor], object]) -> None:
    with pytest.raises(AssertionError, match="makes the host wait"), NoWaiting():
        waits(torch.randn(5))
