"""Logistic regression solved to the end: the closed-form control, and linear readouts of trained embeddings."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgmm.models.method import require_every_class


def logistic_regression(
    features: Any, labels: Tensor, n_classes: int, inverse_penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve L2-penalised logistic regression: multinomial for class numbers, one against the rest for multi-label.

    Args:
        features: ``[N, F]``, dense or sparse.
        labels: int64 ``[N]`` class numbers, or float ``[N, K]`` of which those above one half count as positive.
        n_classes: K.
        inverse_penalty: ``C`` of ``sklearn.linear_model.LogisticRegression``.

    Returns:
        Weight ``[F, K]`` and bias ``[K]``.

    Raises:
        ConfigError: If a class does not vary over the labels.
    """
    require_every_class(labels, n_classes)
    truth = labels.cpu().numpy()
    if labels.is_floating_point():
        solutions = [_solve(features, truth[:, k] > 0.5, inverse_penalty) for k in range(n_classes)]
        weight, bias = (np.concatenate(parts) for parts in zip(*solutions, strict=True))
    else:
        weight, bias = _solve(features, truth, inverse_penalty)
        if n_classes == 2:  # one row there, for class 1 against class 0
            weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    return weight.T, bias


def _solve(features: Any, labels: NDArray[Any], inverse_penalty: float) -> tuple[Any, Any]:
    from sklearn.linear_model import LogisticRegression  # slow to import

    regression = LogisticRegression(C=inverse_penalty, max_iter=1000).fit(features, labels)
    return regression.coef_, regression.intercept_


class LinearReadout(nn.Module):
    """Logistic regression on standardised embeddings that other losses have made; kept in buffers.

    Args:
        n_features: F.
        n_classes: K.
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.register_buffer("weight", torch.zeros(n_features, n_classes))
        self.register_buffer("bias", torch.zeros(n_classes))

    def fit(self, embeddings: Tensor, labels: Tensor) -> None:
        """Solve on embeddings ``[N, F]`` and labels of the training split; raises as ``logistic_regression`` does."""
        embeddings = embeddings.double().cpu()
        mean, scale = embeddings.mean(dim=0), embeddings.std(dim=0).clamp(min=1e-6)
        standardised = ((embeddings - mean) / scale).numpy()
        weight, bias = logistic_regression(standardised, labels, len(self.bias), inverse_penalty=1.0)
        for buffer, value in ((self.mean, mean), (self.scale, scale)):
            buffer.copy_(value)
        self.weight.copy_(torch.from_numpy(weight))
        self.bias.copy_(torch.from_numpy(bias))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Classify embeddings: ``[B, F] -> [B, K]``, float32."""
        with torch.autocast(embeddings.device.type, enabled=False):
            logits: Tensor = ((embeddings.float() - self.mean) / self.scale) @ self.weight + self.bias
        return logits
