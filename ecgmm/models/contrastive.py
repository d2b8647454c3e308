"""Contrastive losses of pairs, with more than one right partner where reports say the same."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LARGEST_SCALE = 100.0
"""CLIP limits the scale of its logits to 100 (Radford et al., arXiv 2103.00020, section 2.5)."""

_NEVER = -1e4  # as a logit: its exponential is 0, and unlike minus infinity it has a gradient


class LogitScale(nn.Module):
    """Learned factor on cosine similarities, ``exp(s)`` of at most 100; 1 / 0.07 at first, as in CLIP."""

    def __init__(self, initial: float = 1 / 0.07) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(initial)))

    def forward(self) -> Tensor:
        """The factor, a float32 scalar."""
        return self.log_scale.float().exp().clamp(max=LARGEST_SCALE)


def unit(vectors: Tensor) -> Tensor:
    """Bring vectors ``[..., D]`` to length 1, in float32; zeros stay zeros.

    ``torch.nn.functional.normalize`` multiplies the gradient of a zero vector (a missing modality) by 1e12, which is
    infinite in half precision; here it is multiplied by 1.
    """
    vectors = vectors.float()
    length: Tensor = vectors.norm(dim=-1, keepdim=True)
    return vectors / length.masked_fill(length == 0, 1)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity of every row of ``a`` ``[..., D]`` with every row of ``b`` ``[M, D]``, in float32."""
    with torch.autocast(a.device.type, enabled=False):  # a scale of 100 would make errors of bfloat16 large
        similarity: Tensor = unit(a) @ unit(b).transpose(-1, -2)
    return similarity


def same_report(token_ids: Tensor, token_mask: Tensor) -> Tensor:
    """Which records of a batch have the same report: bool ``[B, B]``, from ids and mask ``[B, N]``."""
    kept = token_ids.masked_fill(~token_mask, -1)
    return (kept[:, None] == kept[None]).all(dim=-1)


def info_nce(logits: Tensor, positives: Tensor, counted: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE in which records of one report count as one: a frequent report is never its own negative.

    Source: Radford et al., arXiv 2103.00020, figure 3, which this equals where all reports differ. A record whose
    report stands n times in the batch weighs 1/n, as a row and in every denominator, and is right when the probability
    of all its partners together is high. So the loss does not change when pairs are repeated.

    Args:
        logits: Scaled similarities ``[B, B]`` of waveforms (rows) and reports (columns).
        positives: bool ``[B, B]``, True where two records have the same report (``same_report``); the diagonal is.
        counted: bool ``[B]``, the records that take part; None for all. Masked and not picked out, since picking would
            make the host wait for the device.

    Returns:
        float32 scalar, mean of both directions; 0 where no record takes part.
    """
    if counted is None:
        counted = positives.new_ones(len(positives))
    positives = positives & counted
    weight = counted / positives.sum(dim=1).clamp(min=1).float()
    log_weight = weight.log().clamp(min=_NEVER)

    def one_way(logits: Tensor) -> Tensor:
        weighted = logits + log_weight
        right = weighted.masked_fill(~positives, _NEVER).logsumexp(dim=1)
        return ((weighted.logsumexp(dim=1) - right) * weight).sum() / weight.sum().clamp(min=1)

    return (one_way(logits) + one_way(logits.T)) / 2


def sigmoid_loss(logits: Tensor, targets: Tensor, counted: Tensor | None = None) -> Tensor:
    """Pairwise sigmoid loss: every pair is a yes/no question of its own, so several partners may be right.

    Source: Zhai et al., "Sigmoid loss for language image pre-training", arXiv 2303.15343, equation 1, with soft
    targets in [0, 1] in place of -1 and 1, and averaged over pairs where it sums over partners: a sum over dozens of
    partners drowns every other term of a loss whose gradient is clipped.

    Args:
        logits: ``[B, M]``.
        targets: ``[B, M]`` in [0, 1].
        counted: bool ``[B, M]``, the pairs that take part; None for all.

    Returns:
        float32 scalar, mean over all pairs that take part; 0 where there is none.
    """
    errors = binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="none")
    counted = torch.ones_like(errors, dtype=torch.bool) if counted is None else counted
    return (errors * counted).sum() / counted.sum().clamp(min=1)


def sigmoid_loss_of_reports(logits: Tensor, positives: Tensor, present: Tensor) -> Tensor:
    """Pairwise sigmoid loss in which records of one report count as one, as in ``info_nce``.

    Source: Zhai et al., arXiv 2303.15343, equation 1, which this equals where all reports differ: a sum over the
    partners of a record, averaged over records. A record whose report stands n times weighs 1/n on either side, since
    the sum would grow with the square of n: a frequent report would be all that is learnt.

    Args:
        logits: ``[B, B]`` of waveforms (rows) and reports (columns).
        positives: bool ``[B, B]``, True where two records have the same report (``same_report``); the diagonal is.
        present: bool ``[B]``, the records that take part.

    Returns:
        float32 scalar; 0 where no record takes part. The host does not wait for the device.
    """
    weight = present / (positives & present).sum(dim=1).clamp(min=1).float()
    errors = binary_cross_entropy_with_logits(logits.float(), positives.float(), reduction="none")
    return (errors * weight * weight.unsqueeze(1)).sum() / weight.sum().clamp(min=1)
