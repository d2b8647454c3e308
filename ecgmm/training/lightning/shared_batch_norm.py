"""Batch normalisation over the whole batch where several processes share it, on a CPU as on a GPU.

``torch.nn.SyncBatchNorm`` refuses CPUs, and replaces layers that know what to do with a batch of one record.
"""

from functools import partial
from typing import Any

import torch
from lightning.pytorch.plugins.layer_sync import LayerSync
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ecgmm.training.lightning.processes import TAKES_PART


class SharedBatchNorm(LayerSync):
    """Plugin by which batch normalisation takes its statistics over all processes during training.

    The layers stay, with their parameters and names, and only compute otherwise.
    """

    def apply(self, model: nn.Module) -> nn.Module:
        """Take statistics over all processes."""
        for layer in _batch_norms(model):
            layer.forward = partial(_normalise, layer)  # type: ignore[method-assign]  # until reverted
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Take statistics over one process again."""
        for layer in _batch_norms(model):
            del layer.forward
        return model


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]


def _normalise(layer: _BatchNorm, features: Tensor) -> Tensor:
    """Normalise features ``[B, C, ...]`` as the layer would those of all processes together.

    A single value a channel has no variance: it is normalised by the running statistics (``BatchNorm``).
    """
    if not layer.training:
        unshared: Tensor = type(layer).forward(layer, features)
        return unshared
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert layer.num_batches_tracked is not None
    assert layer.momentum is not None
    shape = (1, -1, *[1] * (features.ndim - 2))
    others = [0, *range(2, features.ndim)]
    # Sums of squares lose digits far from zero: so of the distance to the running mean, which all processes know.
    reference = layer.running_mean
    distance = features.float() - reference.view(shape)
    count = torch.full_like(reference, features.numel() // features.shape[1])
    sums = torch.stack([distance.sum(others), distance.square().sum(others), count]) * TAKES_PART.get()
    total, total_of_squares, n = _Sum.apply(sums)  # type: ignore[no-untyped-call]  # as torch has it
    mean, alone = total / n, n == 1
    variance = (total_of_squares / n - mean.square()).clamp(min=0)
    with torch.no_grad():
        pace = layer.momentum * ~alone
        layer.running_mean += pace * mean
        layer.running_var.lerp_(variance * n / (n - 1).clamp(min=1), pace)
        layer.num_batches_tracked += ~alone[0]
    mean, variance = mean.where(~alone, 0.0), variance.where(~alone, layer.running_var)
    normalised = (distance - mean.view(shape)) * (variance + layer.eps).rsqrt().view(shape)
    if layer.affine:
        normalised = normalised * layer.weight.view(shape) + layer.bias.view(shape)
    shared: Tensor = normalised.to(features.dtype)
    return shared


class _Sum(torch.autograd.Function):
    """Sum over processes; each adds to the gradient of all."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total
