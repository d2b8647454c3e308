"""The gate, with numbers worked out by hand."""

import pytest
import torch
from torch import Tensor

from ecgmm.models.fusion import MeanGate, ScalarGate, VectorGate, blend, follow_present

YES, NO = torch.tensor([True]), torch.tensor([False])


def gate_with_weight(weight: list[float]) -> ScalarGate:
    gate = ScalarGate(len(weight) // 2)
    with torch.no_grad():
        gate.weight.weight.copy_(torch.tensor([weight]))
    return gate


def test_gate_and_blend_agree_with_the_papers_equations() -> None:
    h_e, h_t = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    gate = gate_with_weight([0.5, -0.25, 0.1, 0.2])
    # w^T [h_e, h_t] = 0.5 * 1 - 0.25 * 2 + 0.1 * 3 + 0.2 * -1 = 0.1;  sigmoid(0.1) = 0.52497919
    alpha = gate(h_e, h_t, YES, YES)
    torch.testing.assert_close(alpha, torch.tensor([[0.52497919]]))
    # z = (0.52497919 * 1 + 0.47502081 * 3,  0.52497919 * 2 + 0.47502081 * -1)
    torch.testing.assert_close(blend(alpha, h_e, h_t), torch.tensor([[1.95004162, 0.57493757]]))


def test_gate_is_one_scalar_a_record_without_bias() -> None:
    gate = ScalarGate(8)
    assert [tuple(p.shape) for p in gate.parameters()] == [(1, 16)]
    torch.testing.assert_close(gate(torch.zeros(3, 8), torch.zeros(3, 8), YES, YES), torch.full((3, 1), 0.5))


@pytest.mark.parametrize(
    ("has_ecg", "has_text", "expected"), [(YES, YES, 0.7), (YES, NO, 1.0), (NO, YES, 0.0), (NO, NO, 0.5)]
)
def test_gate_goes_to_the_modality_that_is_there(has_ecg: Tensor, has_text: Tensor, expected: float) -> None:
    torch.testing.assert_close(follow_present(torch.tensor([[0.7]]), has_ecg, has_text), torch.tensor([[expected]]))


def test_ends_of_the_gate_return_one_embedding_exactly() -> None:
    h_e, h_t = torch.randn(2, 5), torch.randn(2, 5)
    assert torch.equal(blend(torch.ones(2, 1), h_e, h_t), h_e)
    assert torch.equal(blend(torch.zeros(2, 1), h_e, h_t), h_t)


def test_blend_lies_between_the_embeddings_and_gate_inside_its_ends() -> None:
    torch.manual_seed(0)
    h_e, h_t = torch.randn(64, 8), torch.randn(64, 8)
    present = torch.ones(64, dtype=torch.bool)
    alpha = ScalarGate(8)(h_e, h_t, present, present)
    assert ((alpha > 0) & (alpha < 1)).all()
    z = blend(alpha, h_e, h_t)
    assert (z >= torch.minimum(h_e, h_t) - 1e-6).all()
    assert (z <= torch.maximum(h_e, h_t) + 1e-6).all()


def test_a_vector_gate_weighs_each_component_and_follows_what_is_there() -> None:
    gate = VectorGate(2)
    with torch.no_grad():
        gate.weight.weight.copy_(torch.tensor([[0.5, -0.25, 0.1, 0.2], [0.0, 0.0, 1.0, 3.0]]))
    h_e, h_t = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    # sigmoid(0.1), and sigmoid(1 * 3 + 3 * -1) = one half
    torch.testing.assert_close(gate(h_e, h_t, YES, YES), torch.tensor([[0.52497919, 0.5]]))
    torch.testing.assert_close(gate(h_e, h_t, YES, NO), torch.ones(1, 1).expand(1, 2))
    assert [tuple(p.shape) for p in gate.parameters()] == [(2, 4)]


def test_the_mean_gate_is_the_mean_of_what_is_there() -> None:
    h_e, h_t = torch.randn(1, 4), torch.randn(1, 4)
    gate = MeanGate()
    torch.testing.assert_close(blend(gate(h_e, h_t, YES, YES), h_e, h_t), (h_e + h_t) / 2)
    assert torch.equal(blend(gate(h_e, h_t, NO, YES), h_e, h_t), h_t)
    assert not list(gate.parameters())
