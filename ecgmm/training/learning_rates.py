"""Groups of parameters that learn differently: rates of weights that a run began with, and who decays."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from ecgmm.errors import ConfigError
from ecgmm.models.encoders import Layered
from ecgmm.models.method import Method

MakeOptimizer = Callable[[Any], torch.optim.Optimizer]


def with_own_rates(make: MakeOptimizer, method: Method, init: Mapping[str, Any], lr: float) -> MakeOptimizer:
    """An optimizer in which what a method began with has a learning rate of its own.

    Args:
        make: Takes parameters or groups of them, returns the optimizer.
        method: The method, with its given weights.
        init: The setting ``init``.
        lr: Peak learning rate of everything else.

    Returns:
        The same where the setting asks for no rate.

    Raises:
        ConfigError: If layers are asked for and no part with given weights says its layers.
    """
    if method.given is None or all(init[name] is None for name in ("lr", "lr_scale", "layer_decay")):
        return make
    own = lr * (1.0 if init["lr_scale"] is None else init["lr_scale"]) if init["lr"] is None else init["lr"]
    factors = {} if init["layer_decay"] is None else _factors(method, init["layer_decay"])
    rates = {
        parameter: own * factors.get(name, 1.0)
        for name, parameter in method.named_parameters()
        if name in method.given.matched
    }

    def grouped(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        groups: dict[float, list[nn.Parameter]] = {lr: []}  # first, since the first group's rate is logged
        for parameter in parameters:
            groups.setdefault(rates.get(parameter, lr), []).append(parameter)
        return make([{"params": part, "lr": rate} for rate, part in groups.items() if part])

    return grouped


def sparing_vectors(make: MakeOptimizer) -> MakeOptimizer:
    """An optimizer whose weight decay acts on matrices and kernels alone, not on biases, scales of norms and numbers.

    A common reading of "weight decay" that the paper leaves open; those have fewer than two axes.

    Args:
        make: Takes groups of parameters, returns the optimizer.
    """

    def grouped(parameters: Iterable[Any]) -> torch.optim.Optimizer:
        given = list(parameters)
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        parts = []
        for group in groups:
            matrices = [one for one in group["params"] if one.ndim > 1]
            vectors = [one for one in group["params"] if one.ndim <= 1]
            parts += [{**group, "params": matrices}, {**group, "params": vectors, "weight_decay": 0.0}]
        return make([part for part in parts if part["params"]])

    return grouped


def _factors(method: Method, decay: float) -> dict[str, float]:
    """Factor of each weight of a part that says its layers: 1 in its last layer, ``decay`` in the one before, ..."""
    assert method.given is not None
    layered = {name: part for name, part in method.named_children() if isinstance(part, Layered)}
    factors = {
        name: decay ** _layers_behind(name.removeprefix(f"{part}."), encoder)
        for part, encoder in layered.items()
        for name in method.given.matched
        if name.startswith(f"{part}.")
    }
    if not factors:
        raise ConfigError(
            "init.layer_decay is set, and no part that the weights are for says its layers; leave it null and set"
            " init.lr_scale"
        )
    return factors


def _layers_behind(name: str, encoder: Layered) -> int:
    layers = encoder.layer_prefixes()
    for place, prefixes in enumerate(layers):
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes):
            return len(layers) - 1 - place
    return 0
