"""Criteria for wrong labels, against numbers by hand and the library's losses at their limits."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from ecgmm.models.criteria import Criterion, ForwardCorrection, GeneralisedCrossEntropy, LabelSmoothing
from ecgmm.models.method import loss_of

LOGITS = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(9) % 4
MANY = (torch.arange(36).reshape(9, 4) % 3 == 0).float()


def both(kind: type[Criterion], *arguments: float) -> tuple[Criterion, Criterion]:
    return kind("single_label", *arguments), kind("multi_label", *arguments)


@pytest.mark.parametrize(
    ("kind", "arguments"), [(LabelSmoothing, (0.0,)), (GeneralisedCrossEntropy, (1e-5,)), (ForwardCorrection, (4, 0.5))]
)
def test_each_is_cross_entropy_where_it_supposes_no_wrong_label(
    kind: type[Criterion], arguments: tuple[float, ...]
) -> None:
    single, multi = both(kind, *arguments)
    torch.testing.assert_close(single(LOGITS, CLASSES), cross_entropy(LOGITS, CLASSES), atol=1e-4, rtol=0)
    torch.testing.assert_close(multi(LOGITS, MANY), binary_cross_entropy_with_logits(LOGITS, MANY), atol=1e-4, rtol=0)


def test_label_smoothing_is_that_of_the_library_and_of_soft_binary_labels() -> None:
    single, multi = both(LabelSmoothing, 0.2)
    torch.testing.assert_close(single(LOGITS, CLASSES), cross_entropy(LOGITS, CLASSES, label_smoothing=0.2))
    soft = 0.8 * MANY + 0.1
    torch.testing.assert_close(multi(LOGITS, MANY), binary_cross_entropy_with_logits(LOGITS, soft))


def test_generalised_cross_entropy_by_hand() -> None:
    logits, label = torch.tensor([[math.log(0.64), math.log(0.36)]]), torch.tensor([1])
    assert GeneralisedCrossEntropy("single_label", 0.5)(logits, label).item() == pytest.approx((1 - 0.6) / 0.5)
    assert GeneralisedCrossEntropy("single_label", 1.0)(logits, label).item() == pytest.approx(0.64)
    odds = torch.tensor([[math.log(0.36 / 0.64)]])
    assert GeneralisedCrossEntropy("multi_label", 0.5)(odds, torch.ones(1, 1)).item() == pytest.approx(0.8)
    assert GeneralisedCrossEntropy("multi_label", 0.5)(odds, torch.zeros(1, 1)).item() == pytest.approx(0.4)


def test_a_label_that_the_model_holds_for_unlikely_pulls_less_than_in_cross_entropy() -> None:
    logits = torch.tensor([[6.0, 0.0]], requires_grad=True)
    (plain,) = torch.autograd.grad(cross_entropy(logits, torch.tensor([1])), logits)
    (robust,) = torch.autograd.grad(GeneralisedCrossEntropy("single_label", 0.7)(logits, torch.tensor([1])), logits)
    p = logits.softmax(1)[0, 1].item()
    torch.testing.assert_close(robust, plain * p**0.7)


def test_forward_correction_by_hand_and_minimal_at_the_true_answer() -> None:
    criterion = ForwardCorrection("single_label", 2, 0.5)
    criterion.transition.copy_(torch.tensor([[0.7, 0.3], [0.1, 0.9]]))
    logits = torch.tensor([[math.log(0.8), math.log(0.2)]])
    expected = -math.log(0.8 * 0.3 + 0.2 * 0.9)
    assert criterion(logits, torch.tensor([1])).item() == pytest.approx(expected, rel=1e-5)
    # 70 % of truly first records are labelled first: certainty of the first is the best answer to such labels.
    labels = torch.tensor([[0.7, 0.3]])
    losses = [criterion(torch.tensor([[z, 0.0]]), labels).item() for z in (0.0, 0.85, 3.0, 20.0)]
    assert losses == sorted(losses, reverse=True)
    assert cross_entropy(torch.tensor([[20.0, 0.0]]), labels) > cross_entropy(torch.tensor([[0.85, 0.0]]), labels)


def test_forward_correction_of_many_classes_has_a_matrix_for_each() -> None:
    criterion = ForwardCorrection("multi_label", 4, 0.5)
    before = criterion(LOGITS[:, :1].expand(-1, 4), MANY * 0)
    criterion.transition[2] = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    assert criterion.transition.shape == (4, 2, 2)
    assert criterion(LOGITS[:, :1].expand(-1, 4), MANY * 0) > before


@pytest.mark.parametrize("kind", [LabelSmoothing, GeneralisedCrossEntropy])
def test_soft_labels_weigh_the_answers(kind: type[Criterion]) -> None:
    single, _ = both(kind, 0.3)
    classes = torch.stack([single(LOGITS, torch.full((9,), k)) for k in range(4)])
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    torch.testing.assert_close(single(LOGITS, shares.expand(9, 4)), (classes * shares).sum())
    hard = one_hot(CLASSES, 4).float()
    torch.testing.assert_close(single(LOGITS, hard), single(LOGITS, CLASSES))


@pytest.mark.parametrize("criterion", [*both(GeneralisedCrossEntropy, 0.7), *both(ForwardCorrection, 2, 0.5)])
def test_extreme_logits_have_finite_losses_and_gradients(criterion: Criterion) -> None:
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    labels = torch.tensor([1, 1]) if criterion.task == "single_label" else torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    loss = criterion(logits, labels)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.isfinite()
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    "criterion",
    [
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.BCEWithLogitsLoss(),
        *both(LabelSmoothing, 0.2),
        *both(GeneralisedCrossEntropy, 0.7),
        *both(ForwardCorrection, 4, 0.5),
    ],
    ids=lambda criterion: f"{type(criterion).__name__} {getattr(criterion, 'task', '')}",
)
def test_the_loss_of_chosen_records_and_its_gradient_are_those_of_picking_them(criterion: nn.Module) -> None:
    of_many = isinstance(criterion, nn.BCEWithLogitsLoss) or getattr(criterion, "task", "") == "multi_label"
    labels, chosen = MANY if of_many else CLASSES, torch.arange(9) % 2 == 0
    masked, picked = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    loss, expected = loss_of(criterion, masked, labels, chosen), criterion(picked[chosen], labels[chosen])
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(masked.grad, picked.grad)


def test_the_loss_of_no_record_is_0_without_a_gradient() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = loss_of(nn.CrossEntropyLoss(), logits, CLASSES, torch.zeros(9, dtype=torch.bool))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()
