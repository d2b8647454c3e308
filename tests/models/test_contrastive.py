"""Contrastive losses against numbers worked out by hand, and what repeated reports do to them."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from ecgmm.models.contrastive import LogitScale, cosine, info_nce, same_report, sigmoid_loss, unit

# exp(logits); rows are waveforms, columns reports.
ODDS = torch.tensor([[4.0, 1.0, 1.0], [1.0, 2.0, 1.0], [2.0, 1.0, 1.0]])
APART = torch.eye(3, dtype=torch.bool)


def test_info_nce_of_three_different_reports_by_hand() -> None:
    # Rows sum to 6, 4, 4, columns to 7, 4, 3, so the right partners have 4/6, 2/4, 1/4 and 4/7, 2/4, 1/3.
    rows = (math.log(4 / 6) + math.log(2 / 4) + math.log(1 / 4)) / 3
    columns = (math.log(4 / 7) + math.log(2 / 4) + math.log(1 / 3)) / 3
    torch.testing.assert_close(info_nce(ODDS.log(), APART), torch.tensor(-(rows + columns) / 2))


def test_info_nce_of_two_equal_reports_by_hand() -> None:
    # Records 1 and 2 have the same report, so each weighs 1/2. Rows, columns weighted (1/2, 1/2, 1):
    # (2 + 1/2) of 7/2, (1/2 + 1) of 5/2, 1 of 5/2. Columns, rows weighted: (2 + 1/2) of 9/2, (1/2 + 1) of 5/2, 1 of 2.
    positives = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    rows = (math.log(5 / 7) / 2 + math.log(3 / 5) / 2 + math.log(2 / 5)) / 2
    columns = (math.log(5 / 9) / 2 + math.log(3 / 5) / 2 + math.log(1 / 2)) / 2
    torch.testing.assert_close(info_nce(ODDS.log(), positives), torch.tensor(-(rows + columns) / 2))


def embeddings(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))


def test_info_nce_of_different_reports_is_cross_entropy_in_both_directions() -> None:
    logits = 3 * cosine(embeddings(5, 0), embeddings(5, 1))
    diagonal = torch.arange(5)
    expected = (cross_entropy(logits, diagonal) + cross_entropy(logits.T, diagonal)) / 2
    torch.testing.assert_close(info_nce(logits, torch.eye(5, dtype=torch.bool)), expected)


@pytest.mark.parametrize("index", [[0, 1, 2, 3, 4, 0], [4, 4, 4, 0, 1, 2, 3, 2, 2], [3, 2, 1, 0, 4]])
def test_info_nce_does_not_change_when_pairs_are_repeated(index: list[int]) -> None:
    ecg, text = embeddings(5, 0), embeddings(5, 1)
    once = info_nce(3 * cosine(ecg, text), torch.eye(5, dtype=torch.bool))
    report = torch.tensor(index)
    again = info_nce(3 * cosine(ecg[index], text[index]), report[:, None] == report)
    torch.testing.assert_close(again, once)


@pytest.mark.parametrize("n", [0, 1])
def test_info_nce_has_nothing_to_tell_apart_in_fewer_than_two_pairs(n: int) -> None:
    ecg = embeddings(n, 0).requires_grad_()
    loss = info_nce(cosine(ecg, embeddings(n, 1)), torch.eye(n, dtype=torch.bool))
    assert loss == 0
    loss.backward()
    assert ecg.grad is not None
    assert not ecg.grad.any()


@pytest.mark.parametrize("counted", [[True, False, True, True, False], [False] * 5])
def test_info_nce_and_sigmoid_loss_of_some_records_are_those_of_these_records_alone(counted: list[bool]) -> None:
    ecg, text = embeddings(5, 0).requires_grad_(), embeddings(5, 1)
    text = text.clone().index_fill_(0, torch.tensor([4]), 0.0)  # what is missing is zeros
    same, mask = torch.tensor([0, 1, 0, 2, 0])[:, None] == torch.tensor([0, 1, 0, 2, 0]), torch.tensor(counted)
    logits = 80 * cosine(ecg, text)
    alone = info_nce(logits[mask][:, mask], same[mask][:, mask])
    torch.testing.assert_close(info_nce(logits, same, mask), alone)
    of_pairs = sigmoid_loss(logits, same, mask.unsqueeze(1) & mask)
    torch.testing.assert_close(of_pairs, sigmoid_loss(logits[mask][:, mask], same[mask][:, mask]))
    (info_nce(logits, same, mask) + of_pairs).backward()
    assert ecg.grad is not None
    assert ecg.grad.isfinite().all()
    assert not ecg.grad[~mask].any()


def test_same_report_compares_what_the_mask_lets_through() -> None:
    ids = torch.tensor([[5, 6, 0], [5, 6, 7], [5, 6, 9], [6, 5, 0], [5, 6, 7], [5, 0, 0]])
    lengths = torch.tensor([2, 3, 2, 2, 3, 1])
    same = same_report(ids, torch.arange(3) < lengths[:, None])
    pairs = {(row, column) for row, column in same.nonzero().tolist() if row < column}
    assert pairs == {(0, 2), (1, 4)}
    assert same.diagonal().all()
    assert torch.equal(same, same.T)


def test_sigmoid_loss_with_soft_targets_by_hand() -> None:
    # Sigmoids of log 3 and -log 3 are 3/4 and 1/4.
    logits = torch.tensor([[0.0, math.log(3)], [math.log(3), -math.log(3)]])
    targets = torch.tensor([[1.0, 0.5], [0.0, 0.25]])
    first = -math.log(1 / 2) - math.log(3 / 4) / 2 - math.log(1 / 4) / 2
    second = -math.log(1 / 4) - math.log(1 / 4) / 4 - math.log(3 / 4) * 3 / 4
    torch.testing.assert_close(sigmoid_loss(logits, targets), torch.tensor((first + second) / 4))
    assert sigmoid_loss(logits[:0], targets[:0]) == 0


def test_scale_begins_as_in_clip_and_ends_at_a_hundred() -> None:
    scale = LogitScale()
    torch.testing.assert_close(scale(), torch.tensor(1 / 0.07))
    with torch.no_grad():
        scale.log_scale.fill_(5.0)  # e^5 = 148
    torch.testing.assert_close(scale(), torch.tensor(100.0))


def test_cosine_by_hand() -> None:
    a, b = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[2.0, 0.0], [0.0, 5.0], [-6.0, -8.0]])
    torch.testing.assert_close(cosine(a, b), torch.tensor([[0.6, 0.8, -1.0], [0.0, 0.0, 0.0]]))


def test_cosine_keeps_float32_under_autocast() -> None:
    a, b = embeddings(4, 0), embeddings(3, 1)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = cosine(a, b)
    assert torch.equal(under_autocast, cosine(a, b))


def test_zeros_stay_zeros_and_their_gradient_is_of_the_size_of_the_others() -> None:
    vectors = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    lengths = unit(vectors).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.tensor([0.0, 1.0]))
    (unit(vectors) * torch.tensor([1.0, 2.0])).sum().backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().max() <= 2


@pytest.mark.parametrize("kept", [[0, 2, 3, 5], [4], []])
def test_info_nce_of_present_records_is_that_of_a_batch_of_these_alone(kept: list[int]) -> None:
    vectors = [embeddings(6, seed).requires_grad_() for seed in (0, 1)]
    report = torch.tensor([0, 1, 0, 2, 1, 0])
    same, present = report[:, None] == report, torch.isin(torch.arange(6), torch.tensor(kept, dtype=torch.int64))
    losses = (
        info_nce(3 * cosine(*vectors), same, present),
        info_nce(3 * cosine(*(of[kept] for of in vectors)), same[kept][:, kept]),
    )
    torch.testing.assert_close(*losses)
    gradients = [torch.autograd.grad(loss, vectors) for loss in losses]
    torch.testing.assert_close(*gradients)
    assert all(not gradient[~present].any() for gradient in gradients[0])


def test_gradients_of_info_nce_of_some_records_are_those_of_picking_them() -> None:
    vectors = [embeddings(6, seed).requires_grad_() for seed in (0, 1)]
    same, mask = torch.tensor([0, 1, 0, 2, 0, 1])[:, None] == torch.tensor([0, 1, 0, 2, 0, 1]), torch.arange(6) % 3 != 1
    masked = info_nce(10 * cosine(*vectors), same, mask)
    picked = info_nce(10 * cosine(*(one[mask] for one in vectors)), same[mask][:, mask])
    torch.testing.assert_close(*(torch.autograd.grad(loss, vectors) for loss in (masked, picked)))
