"""The consistency loss by hand, and the figures that show its collapse."""

import pytest
import torch

from ecgmm.models.losses import (
    CosineConsistency,
    OrthogonalConsistency,
    SquaredConsistency,
    consistency_loss,
    effective_rank,
    projection_health,
)

P_E = torch.tensor([[1.0, 2.0], [0.0, 1.0], [5.0, 5.0]])
P_T = torch.tensor([[0.0, 4.0], [3.0, 1.0], [9.0, 9.0]])


def test_sums_over_the_space_and_averages_over_records() -> None:
    # (1 + 4), (9 + 0), (16 + 16): mean 46 / 3
    loss = consistency_loss(P_E, P_T, torch.ones(3, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.tensor(46 / 3))


def test_only_records_with_both_modalities_count() -> None:
    loss = consistency_loss(P_E, P_T, torch.tensor([True, True, False]))
    torch.testing.assert_close(loss, torch.tensor(7.0))  # (5 + 9) / 2


def test_no_record_with_both_gives_zero_loss_and_zero_gradient() -> None:
    p_e = P_E.clone().requires_grad_()
    loss = consistency_loss(p_e, P_T, torch.zeros(3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert p_e.grad is not None
    assert torch.equal(p_e.grad, torch.zeros(3, 2))


def test_half_precision_projections_are_compared_in_float32() -> None:
    p_e, p_t = torch.full((1, 256), 300.0, dtype=torch.float16), torch.zeros(1, 256, dtype=torch.float16)
    loss = consistency_loss(p_e, p_t, torch.tensor([True]))
    assert loss.dtype == torch.float32
    assert loss.item() == 256 * 300**2  # far beyond the largest float16


def test_effective_rank_counts_directions() -> None:
    torch.testing.assert_close(effective_rank(torch.eye(4)), torch.tensor(4.0))
    torch.testing.assert_close(effective_rank(torch.ones(10, 4)), torch.tensor(1.0), atol=1e-3, rtol=0)
    # singular values 3 and 1: exp(-(3/4) ln(3/4) - (1/4) ln(1/4)) = 1.7547654
    torch.testing.assert_close(effective_rank(torch.diag(torch.tensor([3.0, 1.0]))), torch.tensor(1.7547654))
    assert effective_rank(torch.zeros(4, 4)).item() == 0


def test_health_shows_a_collapse_to_zero() -> None:
    health = projection_health(torch.zeros(6, 3), torch.zeros(6, 3))
    assert {name: value.item() for name, value in health.items()} == dict.fromkeys(health, 0.0)


def test_health_of_shrunk_projections_differs_in_norm_but_not_in_gap() -> None:
    torch.manual_seed(0)
    p_e, p_t = torch.randn(32, 8), torch.randn(32, 8)
    whole, shrunk = projection_health(p_e, p_t), projection_health(p_e / 1000, p_t / 1000)
    torch.testing.assert_close(shrunk["ecg_projection_norm"], whole["ecg_projection_norm"] / 1000)
    torch.testing.assert_close(shrunk["projection_gap"], whole["projection_gap"])
    torch.testing.assert_close(shrunk["text_projection_rank"], whole["text_projection_rank"])
    assert projection_health(p_e, p_e)["projection_gap"].item() == 0


def test_cosine_sees_directions_only() -> None:
    p_e, p_t = torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 2.0], [4.0, 4.0]])
    both = torch.tensor([True, True])
    torch.testing.assert_close(CosineConsistency().loss(p_e, p_t, both), torch.tensor(0.5))  # (1 + 0) / 2
    torch.testing.assert_close(CosineConsistency().loss(p_e / 1000, p_t, both), torch.tensor(0.5))
    assert CosineConsistency().loss(p_e, p_t, torch.tensor([False, False])).item() == 0


def test_rotations_keep_lengths_while_they_learn_and_linear_projections_collapse() -> None:
    def norms_after_training(kind: SquaredConsistency) -> float:
        torch.manual_seed(0)
        h_e, h_t, both = torch.randn(64, 6), torch.randn(64, 6), torch.ones(64, dtype=torch.bool)
        projections = [kind.projection(6), kind.projection(6)]
        optimizer = torch.optim.SGD([p for one in projections for p in one.parameters()], lr=0.05)
        for _ in range(300):
            optimizer.zero_grad()
            kind.loss(projections[0](h_e), projections[1](h_t), both).backward()
            optimizer.step()
        return float(projections[0](h_e).detach().norm() / h_e.norm())

    assert norms_after_training(SquaredConsistency()) < 0.1
    assert abs(norms_after_training(OrthogonalConsistency()) - 1) < 1e-5


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e38, -1e38, 1e-38])
def test_the_health_of_projections_that_diverge_is_no_number_and_no_failure(value: float) -> None:
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    vectors[2, 1] = value
    rank = effective_rank(vectors)
    assert rank.isnan() if not torch.tensor(value).isfinite() else 1 <= rank <= 4
    projection_health(vectors, vectors)
