"""Attention pooling by hand, and reports that are empty or padded."""

import torch
from torch import Tensor

from ecgmm.models.text_encoders.attention_pooling import AttentionPooling


def by_hand() -> AttentionPooling:
    encoder = AttentionPooling(vocabulary_size=4, dim=2, dropout=0.5).eval()
    with torch.no_grad():
        encoder.embedding.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [9.0, 9.0]]))
        encoder.key.weight.copy_(torch.eye(2))
        encoder.key.bias.copy_(torch.tensor([0.0, -1.0]))
        encoder.query.copy_(torch.tensor([1.0, 2.0]))
        encoder.linear.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 3.0]]))
        encoder.linear.bias.copy_(torch.tensor([10.0, 0.0]))
    return encoder


def pooled(ids: Tensor, mask: Tensor) -> Tensor:
    return by_hand().pool(by_hand().embed(ids), mask)


def test_agrees_with_its_equations() -> None:
    # u_1 = tanh(1, -1) = (0.76159416, -0.76159416), q.u_1 = -0.76159416
    # u_2 = tanh(0, 1) = (0, 0.76159416), q.u_2 = 1.52318831; a_2 = sigmoid(2.28478247) = 0.90760886
    ids, mask = torch.tensor([[1, 2]]), torch.tensor([[True, True]])
    torch.testing.assert_close(pooled(ids, mask), torch.tensor([[1 - 0.90760886, 2 * 0.90760886]]))
    # the first is the smaller of two, so the norm gives (-1, 1)
    torch.testing.assert_close(by_hand()(ids, mask), torch.tensor([[9.0, 3.0]]), atol=1e-3, rtol=0)


def test_report_of_one_word_pools_to_that_words_embedding() -> None:
    found = pooled(torch.tensor([[2, 0, 0]]), torch.tensor([[True, False, False]]))
    assert torch.equal(found, torch.tensor([[0.0, 2.0]]))


def test_masked_tokens_never_count_whatever_their_id() -> None:
    mask = torch.tensor([[True, True, False]])
    assert torch.equal(by_hand()(torch.tensor([[1, 2, 3]]), mask), by_hand()(torch.tensor([[1, 2, 0]]), mask))


def test_report_whose_tokens_are_all_masked_is_exactly_zero() -> None:
    ids, mask = torch.tensor([[1, 2, 3]]), torch.zeros(1, 3, dtype=torch.bool)
    assert torch.equal(pooled(ids, mask), torch.zeros(1, 2))
    assert torch.equal(by_hand()(ids, mask), torch.zeros(1, 2))


def test_empty_report_is_exactly_zero_with_finite_gradients() -> None:
    encoder = AttentionPooling(vocabulary_size=10, dim=8, dropout=0.1)
    pooled = encoder(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3, dtype=torch.bool))
    assert torch.equal(pooled, torch.zeros(2, 8))
    pooled.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


def test_batch_without_any_token_column_is_zero() -> None:
    encoder = AttentionPooling(vocabulary_size=10, dim=8, dropout=0.1)
    empty = torch.zeros(2, 0, dtype=torch.int64)
    assert torch.equal(encoder(empty, empty.bool()), torch.zeros(2, 8))


def test_word_order_does_not_matter() -> None:
    encoder = AttentionPooling(vocabulary_size=10, dim=8, dropout=0.1).eval()
    mask = torch.ones(1, 4, dtype=torch.bool)
    forth, back = encoder(torch.tensor([[2, 3, 4, 5]]), mask), encoder(torch.tensor([[5, 4, 3, 2]]), mask)
    torch.testing.assert_close(forth, back)
