"""Evidence of two modalities: class heads, sums of evidence, and whether both are of one record."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ecgmm.models.contrastive import LogitScale

Task = Literal["single_label", "multi_label"]
CHANGED = 0.1
"""Share of changed reports among those that are not a record's own; 0.5 and 0.25 find fewer foreign ones."""


class OwnHeads(nn.Module):
    """A linear head for each modality.

    Args:
        dim: Width D of both embeddings.
        n_classes: K.
        dropout: Dropout on the embeddings.
    """

    def __init__(self, dim: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.dropout = nn.Dropout(dropout)
        self.ecg = nn.Linear(dim, n_classes)
        self.text = nn.Linear(dim, n_classes)

    def forward(self, h_e: Tensor, h_t: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of each modality, float32 ``[B, K]``, from embeddings ``[B, D]``."""
        return self.ecg(self.dropout(h_e)).float(), self.text(self.dropout(h_t)).float()


class SharedHead(nn.Module):
    """One linear head that reads both modalities. Arguments as ``OwnHeads``."""

    def __init__(self, dim: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.dropout = nn.Dropout(dropout)
        self.both = nn.Linear(dim, n_classes)

    def forward(self, h_e: Tensor, h_t: Tensor) -> tuple[Tensor, Tensor]:
        """As ``OwnHeads.forward``."""
        return self.both(self.dropout(h_e)).float(), self.both(self.dropout(h_t)).float()


class PairDetector(nn.Module):
    """Evidence that a waveform and a report are of one record, ``log L = a log Lambda + s cos(P_e h_e, P_t h_t) + b``.

    ``log Lambda`` is what the classes alone say (``agreement``). Trained with every other report of the batch as an
    exchanged one (Zhai et al., "Sigmoid loss for language image pre-training", arXiv 2303.15343), own and other pairs
    weighing the same, so that the best answer is ``log p(e, t) / (p(e) p(t))``.

    A report of which one statement is wrong looks like its record in all others. A head of its own, a network of one
    hidden layer that reads both embeddings, learns it from reports that training has changed
    (``corruption.contradict_report``), and both become one ratio (``against_both``).

    Args:
        dim: Width D of both embeddings.
        shared_dim: Width of the projections.
        weight: Weight of its loss.
        hidden_dim: Width of the hidden layer that looks for changed reports; 0 for no such head.
    """

    def __init__(self, dim: int, shared_dim: int, weight: float, hidden_dim: int = 0) -> None:
        super().__init__()
        self.weight = weight
        self.ecg_projection = nn.Linear(dim, shared_dim)
        self.text_projection = nn.Linear(dim, shared_dim)
        self.scale = LogitScale(5.0)
        self.class_weight = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(()))
        layers = [nn.Linear(2 * dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, 1)] if hidden_dim else []
        self.unchanged = nn.Sequential(*layers)

    def projections(self, h_e: Tensor, h_t: Tensor) -> dict[str, Tensor]:
        """Embeddings ``[B, D]`` in the space of comparison, float32 ``[B, shared_dim]`` by name; ``unchanged`` ``[B]``.

        The last is the log-odds that the report was not changed, where there is a head for it.
        """
        found = {"ecg_projection": self.ecg_projection(h_e), "text_projection": self.text_projection(h_t)}
        if len(self.unchanged):
            found["unchanged"] = self.unchanged(torch.cat([h_e, h_t], dim=-1)).squeeze(-1)
        return {name: values.float() for name, values in found.items()}

    def forward(self, agreement: Tensor, similarity: Tensor) -> Tensor:
        """Log-odds of own against foreign reports under even chances, float32, of any shape."""
        odds: Tensor = self.class_weight * agreement + self.scale() * similarity + self.bias
        return odds


def against_both(foreign: Tensor, changed: Tensor) -> Tensor:
    """Log-odds against "foreign or, in a share ``CHANGED``, changed", of those against each; of any shape."""
    return -torch.logaddexp(math.log(1 - CHANGED) - foreign, math.log(CHANGED) - changed)


def outcomes(logits: Tensor, task: Task) -> Tensor:
    """Log-probabilities of a single-label task as one variable of K outcomes, of a multi-label task as K of two.

    Args:
        logits: ``[..., K]``.
        task: ``single_label`` or ``multi_label``.

    Returns:
        float32 ``[..., V, O]``: ``[..., 1, K]`` or ``[..., K, 2]``; the second of two outcomes is "yes".
    """
    if task == "single_label":
        return logits.float().log_softmax(dim=-1).unsqueeze(-2)
    return torch.stack([logsigmoid(-logits.float()), logsigmoid(logits.float())], dim=-1)


def logits_of(log_probabilities: Tensor, task: Task) -> Tensor:
    """Logits ``[..., K]`` of what ``outcomes`` gives."""
    if task == "single_label":
        return log_probabilities.squeeze(-2)
    return log_probabilities[..., 1] - log_probabilities[..., 0]


def combined(p_e: Tensor, p_t: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
    """Add the evidence of two modalities that are independent given the classes.

    Args:
        p_e: Log-probabilities given the waveform, ``[..., V, O]`` as of ``outcomes``.
        p_t: The same given the report.
        prior: The same given neither.

    Returns:
        ``log p(y | e, t)``, proportional to ``p(y | e) p(y | t) / p(y)``, ``[..., V, O]``; and its norm over all
        variables, ``log p(e, t) / (p(e) p(t))``, ``[...]``: what the classes say for both being of one record.
    """
    evidence = p_e + p_t - prior
    norm = evidence.logsumexp(dim=-1, keepdim=True)
    return evidence - norm, norm.squeeze(-1).sum(dim=-1)


def mixture(first: Tensor, second: Tensor, log_odds: Tensor) -> Tensor:
    """Mix log-probabilities ``[B, V, O]``; ``log_odds`` ``[B]`` of the second part against the first."""
    odds = log_odds.view(-1, 1, 1)
    return torch.logaddexp(logsigmoid(-odds) + first, logsigmoid(odds) + second)
