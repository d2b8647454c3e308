"""The whole of the paper's section 3 on two records, every number worked out by hand."""

import math

import torch
from torch import nn

from ecgmm.models.fusion import ScalarGate
from ecgmm.models.losses import SquaredConsistency
from ecgmm.models.methods.gated_fusion import GatedFusion
from ecgmm.types import INTERVALS, Batch
from tests.models.building import Given

H_E = [[1.0, 2.0], [0.0, -1.0]]
H_T = [[3.0, -1.0], [2.0, 2.0]]


NO_INTERVALS = torch.full((2, len(INTERVALS)), torch.nan)


def set_weight(layer: nn.Module, values: list[list[float]]) -> None:
    assert isinstance(layer, nn.Linear)
    layer.weight.copy_(torch.tensor(values))


def by_hand(lambda_cons: float = 0.1) -> GatedFusion:
    gate = ScalarGate(2)
    method = GatedFusion(
        Given(),
        Given(),
        gate,
        SquaredConsistency(),
        nn.CrossEntropyLoss(),
        n_classes=2,
        dropout=0.0,
        lambda_cons=lambda_cons,
    )
    with torch.no_grad():
        gate.weight.weight.copy_(torch.tensor([[0.5, -0.25, 0.1, 0.2]]))
        method.head.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        method.head.bias.copy_(torch.tensor([0.5, -0.5]))
        set_weight(method.ecg_projection, [[2.0, 0.0], [0.0, 1.0]])
        set_weight(method.text_projection, [[0.0, 1.0], [1.0, 0.0]])
    return method


def batch(has_waveform: tuple[bool, bool] = (True, True), has_report: tuple[bool, bool] = (True, True)) -> Batch:
    mask = torch.ones(2, 2, dtype=torch.bool)
    labels, rows = torch.tensor([0, 1]), torch.arange(2)
    reports = torch.tensor(has_report)
    return Batch(
        torch.tensor(H_E),
        torch.tensor(has_waveform),
        torch.tensor(H_T),
        mask,
        rows,
        reports,
        labels,
        rows,
        NO_INTERVALS,
        torch.ones(2, dtype=torch.bool),
    )


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


# Gate: w^T [h_e, h_t] = 0.5 - 0.5 + 0.3 - 0.2 = 0.1 and 0 + 0.25 + 0.2 + 0.4 = 0.85.
A1, A2 = 1 / (1 + math.exp(-0.1)), 1 / (1 + math.exp(-0.85))
# z = (A1 + 3 (1 - A1), 2 A1 - (1 - A1)) and (2 (1 - A2), -A2 + 2 (1 - A2)); logits = (z_1 + 0.5, 2 z_2 - 0.5).
LOGITS = [[3.5 - 2 * A1, 6 * A1 - 2.5], [2.5 - 2 * A2, 3.5 - 6 * A2]]
# Labels 0 and 1: cross-entropy of two classes is log(1 + exp(other - own)).
L_CLS = (softplus(LOGITS[0][1] - LOGITS[0][0]) + softplus(LOGITS[1][0] - LOGITS[1][1])) / 2
# P_e h_e = (2, 2) and (0, -1); P_t h_t = (-1, 3) and (2, 2); squared distances 9 + 1 and 4 + 9.
L_CONS = (10 + 13) / 2


def test_forward_and_losses_agree_with_the_paper() -> None:
    method = by_hand()
    output = method(batch())
    torch.testing.assert_close(output.gate, torch.tensor([A1, A2]))
    torch.testing.assert_close(output.logits, torch.tensor(LOGITS))
    losses = method.losses(output, batch())
    torch.testing.assert_close(losses["cls"], torch.tensor(L_CLS))
    torch.testing.assert_close(losses["cons"], torch.tensor(L_CONS))
    torch.testing.assert_close(method.total_loss(losses), torch.tensor(L_CLS + 0.1 * L_CONS))


def test_lambda_zero_leaves_the_classification_loss() -> None:
    method = by_hand(lambda_cons=0.0)
    losses = method.losses(method(batch()), batch())
    torch.testing.assert_close(method.total_loss(losses), torch.tensor(L_CLS))


def test_record_without_a_report_is_classified_from_its_waveform() -> None:
    method, lacking = by_hand(), batch(has_report=(False, True))
    output = method(lacking)
    torch.testing.assert_close(output.gate, torch.tensor([1.0, A2]))
    torch.testing.assert_close(output.logits, torch.tensor([[1.5, 3.5], LOGITS[1]]))  # z = h_e = (1, 2)
    torch.testing.assert_close(method.losses(output, lacking)["cons"], torch.tensor(13.0))


def test_record_without_a_waveform_is_classified_from_its_report() -> None:
    method, lacking = by_hand(), batch(has_waveform=(True, False))
    output = method(lacking)
    torch.testing.assert_close(output.gate, torch.tensor([A1, 0.0]))
    torch.testing.assert_close(output.logits, torch.tensor([LOGITS[0], [2.5, 3.5]]))  # z = h_t = (2, 2)
    torch.testing.assert_close(method.losses(output, lacking)["cons"], torch.tensor(10.0))


def test_record_without_either_gets_the_bias() -> None:
    output = by_hand()(batch(has_waveform=(False, True), has_report=(False, True)))
    torch.testing.assert_close(output.logits[0], torch.tensor([0.5, -0.5]))


def test_gate_and_projections_have_no_bias() -> None:
    names = {name for name, _ in by_hand().named_parameters()}
    assert names == {
        "gate.weight.weight",
        "head.weight",
        "head.bias",
        "ecg_projection.weight",
        "text_projection.weight",
    }
