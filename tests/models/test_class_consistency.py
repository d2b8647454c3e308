"""Consistency of answers: the divergence by hand, and that contradicting pairs are not pulled together."""

import math

import pytest
import torch

from ecgmm.models.class_consistency import ClassConsistency, WeightedConsistency, divergence
from tests.models.building import Task, batch_of, build

TASKS: tuple[Task, ...] = ("single_label", "multi_label")


def test_divergence_by_hand() -> None:
    p, q = (0.9, 0.1), (0.4, 0.6)
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    kept = [a * math.log(a / m) + b * math.log(b / m) for a, b, m in zip(p, q, middle, strict=True)]
    found = divergence(torch.tensor([p]).log(), torch.tensor([q]).log(), "single_label")
    assert found.tolist() == pytest.approx([sum(kept) / 2 / math.log(2)])


@pytest.mark.parametrize("task", TASKS)
def test_the_same_answer_diverges_by_nothing_and_contradiction_by_one(task: Task) -> None:
    sure = torch.tensor([[30.0, -30.0]])
    assert divergence(sure, sure, task).tolist() == pytest.approx([0.0], abs=1e-6)
    assert divergence(sure, -sure, task).tolist() == pytest.approx([1.0], abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_only_true_pairs_count(task: Task) -> None:
    sure = torch.tensor([[30.0, -30.0], [30.0, -30.0]])
    classes = (sure, torch.stack([sure[0], -sure[0]]))
    some = torch.tensor([True, False])
    p = torch.randn(2, 3)
    assert float(ClassConsistency(task).loss(p, p, some, classes)) == pytest.approx(0, abs=1e-6)
    assert float(ClassConsistency(task).loss(p, p, ~some, classes)) == pytest.approx(1, abs=1e-6)
    assert float(ClassConsistency(task).loss(p, p, some & ~some, classes)) == 0


@pytest.mark.parametrize("task", TASKS)
def test_a_planted_mismatch_has_no_weight(task: Task) -> None:
    sure, there = torch.tensor([[30.0, -30.0]]), torch.ones(1, dtype=torch.bool)
    p_e, p_t = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    consistency = WeightedConsistency(task)
    assert float(consistency.loss(p_e, p_t, there, (sure, sure))) == pytest.approx(1)
    assert float(consistency.loss(p_e, p_t, there, (sure, -sure))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ["classes", "weighted_cosine"])
def test_the_papers_method_learns_with_it(name: str, task: Task) -> None:
    method, batch = build("gated_fusion", task, 0, f"consistency={name}").train(), batch_of(task, complete=False)
    losses = method.losses(method(batch), batch)
    assert 0 < float(losses["cons"].detach()) < 2
    method.total_loss(losses).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in method.parameters())
