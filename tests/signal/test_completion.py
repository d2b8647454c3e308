"""Lost leads from the others: the laws exactly, the rest as regression has it, and nothing out of nothing."""

from itertools import combinations

import numpy as np
import pytest
import torch

from ecgmm.leads import LEADS
from ecgmm.signal.completion import CompletedAfter, LeadCompletion, estimates_of_leads, lawful
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES

MEAN_MV = [0.013 * (-1) ** lead for lead in range(12)]  # as no electrodes give it
STD_MV = [0.1 + 0.02 * lead for lead in range(12)]
LIMBS = range(6)


def signals_mv(n_records: int = 5, n_times: int = 300) -> torch.Tensor:
    """Leads of electrodes that move together, mean 0."""
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn((9, 9), generator=generator)
    return LEADS_FROM_ELECTRODES @ (mixing @ torch.randn((n_records, 9, n_times), generator=generator)) * 0.3


def z_scores(mv: torch.Tensor) -> torch.Tensor:
    return (mv - torch.tensor(MEAN_MV)[:, None]) / torch.tensor(STD_MV)[:, None]


def in_mv(z: torch.Tensor) -> torch.Tensor:
    return z * torch.tensor(STD_MV)[:, None] + torch.tensor(MEAN_MV)[:, None]


def without(z: torch.Tensor, lost: list[int]) -> torch.Tensor:
    left = z.clone()
    left[:, lost] = 0
    return left


def covariance(mv: torch.Tensor) -> list[list[float]]:
    flat = mv.transpose(0, 1).flatten(1).double()
    found: list[list[float]] = (flat @ flat.T / flat.shape[1]).tolist()
    return found


@pytest.fixture(scope="module")
def laws() -> LeadCompletion:
    return LeadCompletion(MEAN_MV, STD_MV, None)


@pytest.fixture(scope="module")
def learned() -> LeadCompletion:
    return LeadCompletion(MEAN_MV, STD_MV, covariance(signals_mv()))


@pytest.mark.parametrize("how", ["laws", "learned"])
def test_any_two_limb_leads_give_the_other_four_in_millivolts(how: str, request: pytest.FixtureRequest) -> None:
    complete, truth = request.getfixturevalue(how), signals_mv()
    for pair in combinations(LIMBS, 2):
        lost = [lead for lead in LIMBS if lead not in pair]
        assert torch.allclose(in_mv(complete(without(z_scores(truth), lost))), truth, atol=1e-5), pair


def test_laws_leave_at_zero_what_they_do_not_decide(laws: LeadCompletion) -> None:
    only_one = laws(without(z_scores(signals_mv()), [lead for lead in range(12) if lead != 1]))
    assert only_one[:, [lead for lead in range(12) if lead != 1]].count_nonzero() == 0
    without_v2 = laws(without(z_scores(signals_mv()), [LEADS.index("V2")]))
    assert without_v2[:, LEADS.index("V2")].count_nonzero() == 0


def test_learned_leads_are_those_of_least_squares(learned: LeadCompletion) -> None:
    there, lost = [1, 6, 9], [lead for lead in range(12) if lead not in (1, 6, 9)]
    flat = signals_mv().transpose(0, 1).flatten(1).numpy().astype(np.float64)
    coefficients = np.linalg.lstsq(flat[there].T, flat[lost].T, rcond=None)[0]
    expected = coefficients.T @ flat[there]
    completed = in_mv(learned(without(z_scores(signals_mv()), lost))).transpose(0, 1).flatten(1).numpy()
    # Means in z-scores that no electrodes give shift what is regressed on, by no more than they are off themselves.
    assert np.abs(completed[lost] - expected).max() < 0.1
    assert np.abs((completed[lost] - expected).std(axis=1)).max() < 1e-5


def test_conditional_mean_of_two_correlated_leads_by_hand() -> None:
    matrix = torch.zeros(12, 12, dtype=torch.float64)
    v1, v2 = LEADS.index("V1"), LEADS.index("V2")
    matrix[v1, v1], matrix[v2, v2], matrix[v1, v2], matrix[v2, v1] = 4.0, 1.0, 1.0, 1.0
    estimates = estimates_of_leads(matrix)
    assert estimates[1 << v1, v2, v1] == pytest.approx(0.25)
    assert estimates[1 << v2, v1, v2] == pytest.approx(1.0)
    assert estimates[(1 << v1) | (1 << v2)].count_nonzero() == 0


def test_leads_that_are_there_stay_to_the_bit_and_records_do_not_mix(learned: LeadCompletion) -> None:
    z = z_scores(signals_mv())
    z[0, 3:9] = 0
    z[2, [0, 11]] = 0
    completed = learned(z)
    kept = z != 0
    assert torch.equal(completed[kept], z[kept])
    for record in (0, 2):
        assert torch.allclose(completed[record], learned(z[record : record + 1])[0], atol=1e-6)
    assert learned(z_scores(signals_mv())).equal(z_scores(signals_mv()))


def test_a_record_without_any_lead_and_leads_that_training_never_saw_stay_zero() -> None:
    std_mv = [0.0 if name in ("II", "V3") else value for name, value in zip(LEADS, STD_MV, strict=True)]
    for learnt in (None, covariance(signals_mv())):
        complete = LeadCompletion(MEAN_MV, std_mv, learnt)
        z = z_scores(signals_mv())
        z[:, [LEADS.index("II"), LEADS.index("V3")]] = 0
        z[0] = 0
        z[1, LEADS.index("aVF")] = 0
        completed = complete(z)
        assert completed[0].count_nonzero() == 0
        assert completed[:, [LEADS.index("II"), LEADS.index("V3")]].count_nonzero() == 0
        if learnt is None:  # I and III, which were seen, still give aVF
            assert torch.allclose(in_mv(completed)[1, 5], signals_mv()[1, 5], atol=1e-5)


def test_projector_keeps_what_electrodes_give_and_nothing_else() -> None:
    projector = lawful(torch.ones(12, dtype=torch.bool))
    assert torch.linalg.matrix_rank(projector) == 8
    assert torch.allclose(projector @ LEADS_FROM_ELECTRODES.double(), LEADS_FROM_ELECTRODES.double(), atol=1e-6)


def test_mixed_precision_changes_nothing(learned: LeadCompletion) -> None:
    lost = without(z_scores(signals_mv()), [2, 7])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = learned(lost)
    assert torch.equal(mixed, learned(lost))


def test_leads_lost_in_training_are_completed_as_at_test(laws: LeadCompletion) -> None:
    class LoseThree(torch.nn.Module):
        def forward(self, waveforms: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
            return without(waveforms, [2])

    completed = CompletedAfter(LoseThree(), laws)(z_scores(signals_mv()), torch.Generator())
    assert torch.allclose(completed, z_scores(signals_mv()), atol=1e-4)
