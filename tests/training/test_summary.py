"""What a run says when it begins."""

from types import SimpleNamespace
from typing import Any

import torch

from ecgmm.training.summary import in_brief
from tests.runs.described import described


def begun(n_classes: int) -> str:
    trainer: Any = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("cpu")), world_size=2)
    labels = {"name": "superclass", "source": "report", "classes": [f"C{k}" for k in range(n_classes)]}
    return in_brief(described(labels=labels, n_parameters=312_005), trainer)


def test_size_classes_device_and_precision_are_said() -> None:
    assert begun(2) == (
        "concat: 312,005 parameters, 2 of them trained; 2 classes (C0, C1), single_label; 2 x cpu, 32-true; recipe"
        " quick, seed 42"
    )


def test_hundreds_of_classes_are_counted_and_not_named() -> None:
    assert "; 300 classes, single_label; " in begun(300)
