"""Hooks of the task that Lightning calls in each step."""

import torch
from torch import nn

from ecgmm.training.task import DiagnosisTask
from tests.models.building import CLASSES, batch_of, build


def test_a_batch_is_moved_whole_and_stays_where_it_is_already() -> None:
    task = DiagnosisTask(
        build("text_only"), nn.Identity(), None, torch.optim.AdamW, 0.0, CLASSES, "single_label", seed=0
    )
    batch = batch_of("single_label")
    stayed = task.transfer_batch_to_device(batch, torch.device("cpu"), 0)
    assert all(one is other for one, other in zip(stayed, batch, strict=True))
    moved = task.transfer_batch_to_device(batch, torch.device("meta"), 0)
    assert {values.device.type for values in moved} == {"meta"}
