"""Fusion by evidence that adds up, as long as waveform and report seem to be of one record."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ecgmm.models.contrastive import cosine
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.evidence import (
    OwnHeads,
    PairDetector,
    SharedHead,
    Task,
    against_both,
    combined,
    logits_of,
    mixture,
    outcomes,
)
from ecgmm.models.method import Method, ecg_embedding, loss_of, require_same_width, text_embedding
from ecgmm.types import Batch, ModelOutput


class EvidenceFusion(Method):
    """``(1 - m) p(y | e, t) + m p(y | e)``, where m is the probability that the report is another record's.

    Each tower has an answer and a loss of its own. If both are of one record and independent given the classes,
    ``p(y | e, t)`` is proportional to ``p(y | e) p(y | t) / p(y)``: logits add (Hinton, "Training products of experts
    by minimizing contrastive divergence", Neural Computation 14, 2002). What normalises it is the likelihood ratio
    ``L = p(e, t) / (p(e) p(t))`` of "this report belongs to this waveform" against "to another one" as far as the
    classes tell; the detector sharpens it by what else the embeddings say. With a share ``r`` of exchanged reports
    ``m = r / (r + (1 - r) L)``, and ``-log L`` is the record's inconsistency.

    A record with one modality gets that modality's answer, one with neither ``p(y)``.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        heads: Class heads of both towers.
        detector: Evidence beyond the classes that both are of one record; None for none.
        criterion: Loss of logits and labels.
        task: Whether classes exclude one another: ``single_label`` or ``multi_label``.
        half_weight: Weight of the loss on each modality's own answer.
        exchange_rate: Share r of exchanged reports that is expected; None trusts every report.
    """

    name = "evidence_fusion"
    inputs_at_test = ("ecg", "text")
    reference = "Ours: product of experts with a latent exchange of reports"
    fidelity = "control"
    readouts: ClassVar[dict[str, tuple[str, ...]]] = {
        "waveform_alone": ("ecg",),
        "report_alone": ("text",),
        "as_pair": ("ecg", "text"),
    }

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        heads: OwnHeads | SharedHead,
        detector: PairDetector | None,
        criterion: nn.Module,
        task: Task,
        half_weight: float,
        exchange_rate: float | None,
    ) -> None:
        super().__init__(criterion)
        require_same_width(ecg_encoder, text_encoder)
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.heads = heads
        self.detector = detector
        self.class_bias = nn.Parameter(torch.zeros(heads.n_classes))
        self.task: Task = task
        self.exchange_rate = exchange_rate
        self.loss_weights = {"ecg": half_weight, "text": half_weight}
        if detector is not None:
            self.loss_weights["pair"] = detector.weight

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; readouts are the answers to the waveform, to the report, and to both as a true pair."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        h_t = text_embedding(self.text_encoder, batch)
        l_e, l_t = self.heads(h_e, h_t)
        p_e, p_t, prior = (outcomes(logits, self.task) for logits in (l_e, l_t, self.class_bias))
        as_pair, together = combined(p_e, p_t, prior)
        extra = {"ecg_logits": l_e, "text_logits": l_t}
        if self.detector is not None:
            extra |= self.detector.projections(h_e, h_t)
            similarity = torch.cosine_similarity(extra["ecg_projection"], extra["text_projection"], dim=-1)
            together = self.detector(together, similarity)
            if "unchanged" in extra:
                together = against_both(together, extra["unchanged"])
        mixed = as_pair
        if self.exchange_rate is not None:
            mixed = mixture(as_pair, p_e, log_odds(self.exchange_rate) - together)
        has_ecg, has_text = batch.has_waveform.view(-1, 1, 1), batch.has_report.view(-1, 1, 1)
        alone = torch.where(has_ecg, p_e, torch.where(has_text, p_t, prior))
        mixed, as_pair = (torch.where(has_ecg & has_text, both, alone) for both in (mixed, as_pair))
        return ModelOutput(
            logits=logits_of(mixed, self.task),
            ecg_embedding=h_e,
            text_embedding=h_t,
            inconsistency=-together * (batch.has_waveform & batch.has_report),
            readouts={"waveform_alone": l_e, "report_alone": l_t, "as_pair": logits_of(as_pair, self.task)},
            extra=extra,
        )

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms: ``cls``; ``ecg`` and ``text`` of the halves; ``prior``; ``pair`` where there is a detector.

        A report that training has exchanged or contradicted teaches the report's own answer nothing. The detector
        of foreign reports has all others of the batch; that of changed ones learns from it.
        """
        l_e, l_t = output.extra["ecg_logits"], output.extra["text_logits"]
        bias = self.class_bias.float().expand_as(l_e)
        terms = super().losses(output, batch) | {
            "ecg": loss_of(self.criterion, l_e, batch.labels, batch.has_waveform),
            "text": loss_of(self.criterion, l_t, batch.labels, batch.has_report & batch.report_is_own),
            "prior": self.criterion(bias, batch.labels),
        }
        if self.detector is not None:
            terms["pair"] = self._pair_loss(self.detector, output, batch)
        return terms

    def _pair_loss(self, detector: PairDetector, output: ModelOutput, batch: Batch) -> Tensor:
        """Binary cross-entropy of own and other reports, with even weights; classes learn nothing from it.

        Where the detector looks for changed reports, the same of own and changed ones is added.
        """
        extra = output.extra
        p_e, p_t, prior = (
            outcomes(logits.detach(), self.task)
            for logits in (extra["ecg_logits"], extra["text_logits"], self.class_bias)
        )
        _, agreement = combined(p_e.unsqueeze(1), p_t, prior)
        odds = detector(agreement, cosine(extra["ecg_projection"], extra["text_projection"]))
        usable = batch.is_pair.unsqueeze(1) & batch.is_pair
        itself = torch.eye(len(odds), dtype=torch.bool, device=odds.device)
        own = masked_mean(logsigmoid(odds), usable & itself)
        others = masked_mean(logsigmoid(-odds), usable & ~itself)
        loss = -(own + others) / 2
        if "unchanged" in extra:
            changed = batch.has_waveform & batch.has_report & ~batch.report_is_own
            unchanged = masked_mean(logsigmoid(extra["unchanged"]), batch.is_pair)
            loss = loss - (unchanged + masked_mean(logsigmoid(-extra["unchanged"]), changed)) / 2
        return loss


def log_odds(share: float) -> float:
    """``log(p / (1 - p))``."""
    return math.log(share) - math.log1p(-share)


def masked_mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean over chosen entries, 0 where none is; both of one shape."""
    return (values * chosen).sum() / chosen.sum().clamp(min=1)
