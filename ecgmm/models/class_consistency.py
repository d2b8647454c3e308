"""Consistency losses that look at what the class head says of each embedding."""

import math
from typing import ClassVar

from torch import Tensor, logaddexp, nn
from torch.nn.functional import cosine_similarity

from ecgmm.models.evidence import Task, outcomes
from ecgmm.models.losses import Classes, SquaredConsistency


class ClassConsistency(SquaredConsistency):
    """Jensen-Shannon divergence of what the class head says of each embedding; nothing else of them need agree.

    Source: Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37, 1991, equation 4.2,
    with even weights, over its largest value log 2.

    Args:
        task: Whether classes exclude one another: ``single_label`` or ``multi_label``.
    """

    compares_classes: ClassVar[bool] = True

    def __init__(self, task: Task) -> None:
        self.task = task

    def projection(self, dim: int) -> nn.Module:
        """No map: the head sees the embedding itself."""
        return nn.Identity()

    def loss(self, p_e: Tensor, p_t: Tensor, both_present: Tensor, classes: Classes | None = None) -> Tensor:
        """Mean over the records that have both modalities, float32 in [0, 1]; 0 where none has."""
        assert classes is not None
        return (divergence(*classes, self.task) * both_present).sum() / both_present.sum().clamp(min=1)


class WeightedConsistency(SquaredConsistency):
    """``1 - cos(P_e h_e, P_t h_t)``, each record weighed by how far the head says the same of both embeddings.

    The weight is 1 less the Jensen-Shannon divergence (``ClassConsistency``), without gradient: where the halves
    contradict one another, as where the report is another record's, they are not pulled together.

    Args:
        task: Whether classes exclude one another: ``single_label`` or ``multi_label``.
    """

    compares_classes: ClassVar[bool] = True

    def __init__(self, task: Task) -> None:
        self.task = task

    def loss(self, p_e: Tensor, p_t: Tensor, both_present: Tensor, classes: Classes | None = None) -> Tensor:
        """Weighted sum over the number of records that have both modalities, float32 in [0, 2]; 0 where none has."""
        assert classes is not None
        weight = 1 - divergence(*classes, self.task).detach()
        distance = 1 - cosine_similarity(p_e.float(), p_t.float(), dim=-1)
        return (weight * distance * both_present).sum() / both_present.sum().clamp(min=1)


def divergence(logits_e: Tensor, logits_t: Tensor, task: Task) -> Tensor:
    """Jensen-Shannon divergence of two answers over log 2: 0 for the same, 1 for sure contradiction.

    Args:
        logits_e: ``[B, K]``.
        logits_t: ``[B, K]``.
        task: ``single_label``, or ``multi_label`` for the mean over classes.

    Returns:
        float32 ``[B]`` in [0, 1].
    """
    p_e, p_t = outcomes(logits_e, task), outcomes(logits_t, task)
    middle = logaddexp(p_e, p_t) - math.log(2)
    kept = p_e.exp() * (p_e - middle) + p_t.exp() * (p_t - middle)
    return kept.sum(dim=-1).mean(dim=-1) / (2 * math.log(2))
