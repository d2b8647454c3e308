"""Batch norm for data sets whose last training batch may be a single record."""

from torch import Tensor, nn
from torch.nn.functional import batch_norm


class BatchNorm(nn.BatchNorm1d):
    """Batch norm of ``[B, D]`` that works on a last training batch of one record: it then takes running statistics."""

    def forward(self, features: Tensor) -> Tensor:
        """Normalise every feature over the batch."""
        if self.training and len(features) == 1:
            return batch_norm(features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(features)
