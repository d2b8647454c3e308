"""Consistency losses, the paper's and others, and measures that show a collapse of the projections."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity
from torch.nn.utils.parametrizations import orthogonal

Classes = tuple[Tensor, Tensor]
"""Class logits ``[B, K]`` of the waveform's and of the report's embedding."""


class SquaredConsistency:
    """The paper's: squared distance of two learned linear projections, which P_e = P_t = 0 makes zero.

    Attributes:
        compares_classes: Whether ``loss`` needs what the class head says of each embedding.
    """

    compares_classes: ClassVar[bool] = False

    def projection(self, dim: int) -> nn.Module:
        """A map ``[B, D] -> [B, D]`` of one modality's embedding into the shared space."""
        return nn.Linear(dim, dim, bias=False)

    def loss(self, p_e: Tensor, p_t: Tensor, both_present: Tensor, classes: Classes | None = None) -> Tensor:
        """As ``consistency_loss``."""
        return consistency_loss(p_e, p_t, both_present)


class OrthogonalConsistency(SquaredConsistency):
    """Squared distance of two learned rotations: they keep lengths, so they cannot collapse; embeddings still can."""

    def projection(self, dim: int) -> nn.Module:
        """A map ``[B, D] -> [B, D]`` whose matrix stays orthogonal (the exponential of a skew-symmetric one)."""
        return orthogonal(nn.Linear(dim, dim, bias=False))


class CosineConsistency(SquaredConsistency):
    """``1 - cos(P_e h_e, P_t h_t)``: shrinking changes nothing, agreement in direction does."""

    def loss(self, p_e: Tensor, p_t: Tensor, both_present: Tensor, classes: Classes | None = None) -> Tensor:
        """Mean over the records that have both modalities, float32 in [0, 2]; 0 where none has."""
        distance = 1 - cosine_similarity(p_e.float(), p_t.float(), dim=-1)
        return (distance * both_present).sum() / both_present.sum().clamp(min=1)


def consistency_loss(p_e: Tensor, p_t: Tensor, both_present: Tensor) -> Tensor:
    """``L_cons = ||P_e h_e - P_t h_t||_2^2``, summed over the space, averaged over the records that have both.

    Args:
        p_e: Projected waveform embeddings ``[B, D]``.
        p_t: Projected report embeddings ``[B, D]``.
        both_present: bool ``[B]``.

    Returns:
        float32 scalar; 0 with zero gradient when no record has both.
    """
    squared = (p_e.float() - p_t.float()).square().sum(dim=-1)
    return (squared * both_present).sum() / both_present.sum().clamp(min=1)


@torch.no_grad()
def projection_health(p_e: Tensor, p_t: Tensor) -> dict[str, Tensor]:
    """Describe the two projections of a batch: ``P_e = P_t = 0`` meets the consistency loss without agreement.

    Args:
        p_e: Projected waveform embeddings ``[B, D]`` of records that have both modalities.
        p_t: Projected report embeddings of the same records ``[B, D]``.

    Returns:
        For ``ecg`` and ``text`` the mean length ``<m>_projection_norm`` and the ``<m>_projection_rank`` (see
        ``effective_rank``); ``projection_gap``, the consistency loss over the sum of the mean squared lengths: 0 for
        full agreement, about 1 for independent vectors, and unchanged when both projections merely shrink.
    """
    p_e, p_t = p_e.float(), p_t.float()
    squared_lengths = p_e.square().sum() + p_t.square().sum()
    return {
        "ecg_projection_norm": p_e.norm(dim=-1).mean(),
        "text_projection_norm": p_t.norm(dim=-1).mean(),
        "ecg_projection_rank": effective_rank(p_e),
        "text_projection_rank": effective_rank(p_t),
        "projection_gap": (p_e - p_t).square().sum() / squared_lengths.clamp(min=torch.finfo(torch.float32).tiny),
    }


def effective_rank(vectors: Tensor) -> Tensor:
    """Number of directions that vectors really use: exp of the entropy of the normalised singular values.

    Source: Roy and Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.

    Args:
        vectors: ``[B, D]``, not centred, so that a constant vector has rank 1.

    Returns:
        float32 scalar in [1, min(B, D)]; 0 when every vector is zero, NaN when an entry is not finite.
    """
    vectors = vectors.float()
    finite = vectors.isfinite().all()  # a GPU is not waited for
    singular = torch.linalg.svdvals(vectors.where(finite, 0.0))
    share = singular / singular.sum().clamp(min=torch.finfo(torch.float32).tiny)
    entropy = torch.special.entr(share).sum()
    rank = torch.where(singular.sum() > 0, entropy.exp(), torch.zeros_like(entropy))
    return rank.where(finite, torch.nan)
