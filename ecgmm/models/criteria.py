"""Criteria for labels that may be wrong, in place of cross-entropy: for one class a record and for many.

Where a record may have many classes, each class is a task of its own with the two answers no and yes.
"""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, logsigmoid

TaskKind = Literal["single_label", "multi_label"]
_LEAST = 1e-6
"""Of a chance whose logarithm is taken."""


class Criterion(nn.Module, ABC):
    """Base of criteria that are the same formula for both tasks.

    Args:
        task: ``single_label`` (softmax over the classes) or ``multi_label`` (no or yes for each class).
    """

    def __init__(self, task: TaskKind) -> None:
        super().__init__()
        self.task = task

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean loss, float32 scalar.

        Args:
            logits: ``[B, K]``.
            labels: int64 ``[B]`` class numbers, or float ``[B, K]``: shares of the classes (single label), or the
                certainty of each (multi-label).
        """
        log_p, shares = answers(logits.float(), labels, self.task)
        return self.each(log_p, shares).mean()

    def of_records(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of each record, float32 ``[B]``, a mean where it has many questions; arguments as ``forward``."""
        log_p, shares = answers(logits.float(), labels, self.task)
        losses = self.each(log_p, shares)
        return losses if losses.ndim == 1 else losses.mean(dim=1)

    @abstractmethod
    def each(self, log_p: Tensor, shares: Tensor) -> Tensor:
        """Loss of each question.

        Args:
            log_p: Log-probabilities of the C answers, float32 ``[..., C]``.
            shares: What the label gives to each answer, ``[..., C]``, with sum 1.

        Returns:
            float32 ``[...]``.
        """

    @property
    @abstractmethod
    def words(self) -> str:
        """Name in tables, with what it was set to."""


def answers(logits: Tensor, labels: Tensor, task: TaskKind) -> tuple[Tensor, Tensor]:
    """Log-probabilities and shares of the answers: ``[B, K]`` of K classes, or ``[B, K, 2]`` of no and yes.

    Args:
        logits: float32 ``[B, K]``.
        labels: As ``Criterion.forward`` takes them.
        task: Which of the two.
    """
    if task == "multi_label":
        shares = labels.float()
        return torch.stack([logsigmoid(-logits), logsigmoid(logits)], -1), torch.stack([1 - shares, shares], -1)
    shares = shares_of(labels, logits.shape[1])
    return log_softmax(logits, -1), shares


def shares_of(labels: Tensor, n_classes: int) -> Tensor:
    """What labels of one class a record, ``[B]`` or shares already, give to each class: float32 ``[B, K]``."""
    if labels.is_floating_point():
        return labels.float()
    return (labels.unsqueeze(1) == torch.arange(n_classes, device=labels.device)).float()


class LabelSmoothing(Criterion):
    """Cross-entropy with labels of which a part is spread evenly over all answers.

    Source: Szegedy et al., "Rethinking the Inception architecture", CVPR 2016, section 7.

    Args:
        task: See ``Criterion``.
        smoothing: The part, in [0, 1).
    """

    def __init__(self, task: TaskKind, smoothing: float) -> None:
        super().__init__(task)
        self.smoothing = smoothing

    def each(self, log_p: Tensor, shares: Tensor) -> Tensor:
        """Cross-entropy with ``(1 - s) y + s / C``."""
        smoothed = (1 - self.smoothing) * shares + self.smoothing / shares.shape[-1]
        return -(smoothed * log_p).sum(-1)

    @property
    def words(self) -> str:
        """Name in tables."""
        return f"label smoothing {self.smoothing:g}"


class GeneralisedCrossEntropy(Criterion):
    """``(1 - p_y^q) / q``: cross-entropy as q goes to 0, mean absolute error at q = 1.

    A label that the model holds for unlikely has a small gradient, so that wrong labels are hardly learnt.

    Source: Zhang and Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels",
    NeurIPS 2018, equation 6 (without the truncation of its section 3.3).

    Args:
        task: See ``Criterion``.
        q: In (0, 1].
    """

    def __init__(self, task: TaskKind, q: float) -> None:
        super().__init__(task)
        self.q = q

    def each(self, log_p: Tensor, shares: Tensor) -> Tensor:
        """Mean of the loss over what the label says; ``expm1`` stays exact for a q near 0."""
        return -(shares * torch.expm1(self.q * log_p) / self.q).sum(-1)

    @property
    def words(self) -> str:
        """Name in tables."""
        return f"generalised cross-entropy, q {self.q:g}"


class ForwardCorrection(Criterion):
    """Cross-entropy of the given labels with what the model says of the true ones, sent through the noise.

    The noise is learned on the validation split after each epoch (``confident_joint``), whose labels are as wrong as
    those of training; until the first there is none.

    Source: Patrini et al., "Making deep neural networks robust to label noise: a loss correction approach", CVPR 2017,
    theorem 2.

    Args:
        task: See ``Criterion``.
        n_classes: K.
        most_wrong: Bound of the chance of a class to be labelled as another, in [0, 1).
    """

    transition: Tensor

    def __init__(self, task: TaskKind, n_classes: int, most_wrong: float) -> None:
        super().__init__(task)
        self.most_wrong = most_wrong
        shape = (n_classes, 2, 2) if task == "multi_label" else (n_classes, n_classes)
        self.register_buffer("transition", torch.eye(shape[-1]).expand(shape).clone())

    def each(self, log_p: Tensor, shares: Tensor) -> Tensor:
        """Cross-entropy with ``T' p``."""
        given = torch.logsumexp(log_p.unsqueeze(-1) + self.transition.clamp(min=_LEAST).log(), dim=-2)
        return -(shares * given).sum(-1)

    @property
    def words(self) -> str:
        """Name in tables."""
        return "forward correction"
