"""Groups of parameters that learn differently."""

import torch
from torch import nn

from ecgmm.training.learning_rates import sparing_vectors


def test_without_a_gradient_decay_shrinks_matrices_and_spares_biases_scales_and_numbers() -> None:
    model = nn.Sequential(nn.Conv1d(2, 3, 5), nn.BatchNorm1d(3), nn.Linear(3, 2))
    model.register_parameter("scale", nn.Parameter(torch.tensor(2.0)))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
        nn.init.ones_(parameter)
    sparing_vectors(lambda groups: torch.optim.AdamW(groups, lr=0.1, weight_decay=0.5))(model.parameters()).step()
    for parameter in model.parameters():
        assert torch.allclose(parameter, torch.tensor(0.95 if parameter.ndim > 1 else 1.0))


def test_rates_of_groups_stay() -> None:
    matrix, vector, other = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    groups = [{"params": [matrix, vector], "lr": 0.1}, {"params": [other], "lr": 0.2}]
    optimizer = sparing_vectors(lambda given: torch.optim.AdamW(given, lr=1.0, weight_decay=0.5))(groups)
    said = [(group["params"], group["lr"], group["weight_decay"]) for group in optimizer.param_groups]
    assert said == [([matrix], 0.1, 0.5), ([vector], 0.1, 0.0), ([other], 0.2, 0.0)]
