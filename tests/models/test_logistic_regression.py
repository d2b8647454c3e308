"""Linear readouts of embeddings: the regression of scikit-learn on standardised features, whatever they are."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ecgmm.errors import ConfigError
from ecgmm.models.logistic_regression import LinearReadout


def data(n_classes: int) -> tuple[Tensor, Tensor]:
    """Features of very different size that say something of the class."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % n_classes
    features = torch.randn(60, 4, generator=generator) + labels[:, None] * torch.tensor([1.0, 0.0, -0.5, 0.0])
    return features * torch.tensor([1e-3, 1.0, 1e3, 1.0]) + 5, labels


def standardised(features: Tensor) -> NDArray[np.float64]:
    values: NDArray[np.float64] = features.double().numpy()
    scaled: NDArray[np.float64] = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    return scaled


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_those_of_multinomial_regression(n_classes: int) -> None:
    features, labels = data(n_classes)
    readout = LinearReadout(4, n_classes)
    readout.fit(features, labels)
    expected = (
        LogisticRegression(max_iter=1000).fit(standardised(features), labels).predict_proba(standardised(features))
    )
    torch.testing.assert_close(
        readout(features).softmax(dim=1), torch.from_numpy(expected).float(), atol=1e-4, rtol=1e-3
    )


def test_multi_label_is_one_regression_a_class() -> None:
    features, labels = data(3)
    several = torch.stack([labels == 0, labels > 0], dim=1).float()
    readout = LinearReadout(4, 2)
    readout.fit(features, several)
    for k in range(2):
        regression = LogisticRegression(max_iter=1000).fit(standardised(features), several[:, k].numpy())
        expected = torch.from_numpy(regression.predict_proba(standardised(features))[:, 1]).float()
        torch.testing.assert_close(readout(features)[:, k].sigmoid(), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.3, -1e6])
def test_features_that_never_change_give_the_share_of_each_class(value: float) -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [2] * 3)
    readout = LinearReadout(5, 3)
    readout.fit(torch.full((12, 5), value), labels)
    torch.testing.assert_close(
        readout(torch.full((1, 5), value)).softmax(dim=1), torch.tensor([[0.5, 0.25, 0.25]]), atol=1e-3, rtol=1e-3
    )


def test_feature_that_was_constant_in_training_has_no_say_later() -> None:
    features, labels = data(3)
    features[:, 1] = 0
    readout = LinearReadout(4, 3)
    readout.fit(features, labels)
    other = features.clone()
    other[:, 1] = 7.0
    assert torch.equal(readout(other), readout(features))


def test_class_without_a_record_is_refused() -> None:
    with pytest.raises(ConfigError, match="class 2 of 3"):
        LinearReadout(4, 3).fit(torch.randn(6, 4), torch.arange(6) % 2)


def test_solution_is_saved_with_the_weights_and_is_not_trained() -> None:
    features, labels = data(3)
    readout, loaded = LinearReadout(4, 3), LinearReadout(4, 3)
    readout.fit(features, labels)
    loaded.load_state_dict(readout.state_dict())
    assert torch.equal(loaded(features), readout(features))
    assert list(readout.parameters()) == []


def test_stays_in_float32_under_autocast() -> None:
    features, labels = data(3)
    readout = LinearReadout(4, 3)
    readout.fit(features, labels)
    with torch.autocast("cpu", torch.bfloat16):
        logits = readout(features)
    assert torch.equal(logits, readout(features))
