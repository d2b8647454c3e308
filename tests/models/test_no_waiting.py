"""A training step of the methods never makes the host wait for the device."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from ecgmm.signal.augment import Augmentation
from ecgmm.signal.completion import CompletedAfter, LeadCompletion
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.training.corruption import PairCorruption
from ecgmm.training.task import DiagnosisTask
from ecgmm.types import MISSING_SAMPLE
from tests.models.building import CLASSES, LEARNT, Task, batch_of, build
from tests.models.no_waiting import NoWaiting

MEAN_MV, STD_MV = [0.0] * 12, [0.2] * 12


@cache
def completion() -> LeadCompletion:
    """Completion of leads; 4,096 matrices, made once."""
    return LeadCompletion(MEAN_MV, STD_MV, None)


def step_of(name: str, task_name: Task, *overrides: str) -> Callable[[], Tensor]:
    """A training step with everything before and behind the method; samples, leads and modalities are missing."""
    augmentation = Augmentation(STD_MV, 100, 0.5, 0.2, 0.5, 0.02, 0.1, 0.1)
    task = DiagnosisTask(
        build(name, task_name, 0, *overrides),
        WaveformPreparation(MEAN_MV, STD_MV, 5, 100, 10, 0.5, completion()),
        CompletedAfter(augmentation, completion()),
        torch.optim.AdamW,
        0.0,
        CLASSES,
        task_name,
        seed=0,
        corruption=PairCorruption(0.2, 0.2, 0.2, 0.2, 0.2),
    ).train()
    learning = [parameter for parameter in task.parameters() if parameter.requires_grad]
    batch = batch_of(task_name, complete=False)
    waveforms = (40 * batch.waveforms).short()
    waveforms[3, 4] = 0
    waveforms[4, 5, 10:20] = MISSING_SAMPLE
    batch = batch._replace(waveforms=waveforms)

    def step() -> Tensor:
        loss = task.training_step(batch, 0)
        loss.backward()
        clip_grad_norm_(learning, 1.0)
        return loss

    return step


@pytest.mark.parametrize("task_name", ["single_label", "multi_label"])
@pytest.mark.parametrize("name", LEARNT)
def test_a_step_does_not_wait(name: str, task_name: Task) -> None:
    step = step_of(name, task_name)
    with NoWaiting():
        loss = step()
    assert loss.isfinite()


@pytest.mark.parametrize("criterion", ["label_smoothing", "generalised_cross_entropy", "forward_correction"])
def test_criteria_of_chosen_records_do_not_wait(criterion: str) -> None:
    step = step_of("evidence_fusion", "single_label", f"criterion={criterion}")
    with NoWaiting():
        step()


@pytest.mark.parametrize("task_name", ["single_label", "multi_label"])
def test_unseen_classes_do_not_wait(task_name: Task) -> None:
    step = step_of("ecg_clip", task_name, "method.unseen_classes=[MI]")
    with NoWaiting():
        step()


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
