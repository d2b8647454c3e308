"""The controls on given embeddings, by hand, with and without each modality."""

import pytest
import torch
from torch import nn

from ecgmm.errors import ConfigError
from ecgmm.models.method import Method
from ecgmm.models.methods.concat import Concat
from ecgmm.models.methods.ecg_only import EcgOnly
from ecgmm.models.methods.mean import Mean
from ecgmm.models.methods.text_only import TextOnly
from ecgmm.types import INTERVALS, Batch
from tests.models.building import Given

LOSS = nn.CrossEntropyLoss()


def logits(method: Method, weight: list[list[float]]) -> list[list[float]]:
    """Classify h_e = (1, 2), h_t = (3, -1) with both, without report, without waveform, without either."""
    n = 4
    head = method.get_submodule("head")
    with torch.no_grad():
        head.get_parameter("weight").copy_(torch.tensor(weight))
        head.get_parameter("bias").copy_(torch.tensor([0.5, -0.5]))
    batch = Batch(
        waveforms=torch.tensor([[1.0, 2.0]]).expand(n, 2),
        has_waveform=torch.tensor([True, True, False, False]),
        token_ids=torch.tensor([[3.0, -1.0]]).expand(n, 2),
        token_mask=torch.ones(n, 2, dtype=torch.bool),
        statement_ids=torch.zeros(n, 1, dtype=torch.int64),
        has_report=torch.tensor([True, False, True, False]),
        labels=torch.zeros(n, dtype=torch.int64),
        rows=torch.arange(n),
        intervals=torch.full((n, len(INTERVALS)), torch.nan),
        report_is_own=torch.ones(n, dtype=torch.bool),
    )
    result: list[list[float]] = method(batch).logits.tolist()
    return result


def test_mean() -> None:
    # z = (2, 0.5), (1, 2), (3, -1), (0, 0)
    method = Mean(Given(), Given(), LOSS, n_classes=2, dropout=0.0)
    assert logits(method, [[1, 0], [0, 1]]) == [[2.5, 0.0], [1.5, 1.5], [3.5, -1.5], [0.5, -0.5]]


def test_concat() -> None:
    method = Concat(Given(), Given(), LOSS, n_classes=2, dropout=0.0)
    # logits = (h_e1 + h_t1 + 0.5, h_e2 - h_t2 - 0.5)
    expected = [[4.5, 2.5], [1.5, 1.5], [3.5, 0.5], [0.5, -0.5]]
    assert logits(method, [[1, 0, 1, 0], [0, 1, 0, -1]]) == expected


def test_ecg_only() -> None:
    method = EcgOnly(Given(), LOSS, n_classes=2, dropout=0.0)
    assert logits(method, [[1, 0], [0, 1]]) == [[1.5, 1.5], [1.5, 1.5], [0.5, -0.5], [0.5, -0.5]]


def test_text_only() -> None:
    method = TextOnly(Given(), LOSS, n_classes=2, dropout=0.0)
    assert logits(method, [[1, 0], [0, 1]]) == [[3.5, -1.5], [0.5, -0.5], [3.5, -1.5], [0.5, -0.5]]


def test_embeddings_of_different_width_are_refused() -> None:
    text_encoder = Given()
    text_encoder.dim = 4
    with pytest.raises(ConfigError, match=r"ecg_encoder\.dim=2 and text_encoder\.dim=4 differ"):
        Mean(Given(), text_encoder, LOSS, n_classes=2, dropout=0.0)
