"""Control: both embeddings side by side under one linear head."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.method import Method, ecg_embedding, loss_of, require_same_width, text_embedding
from ecgmm.types import Batch, ModelOutput


class Concat(Method):
    """``softmax(W [h_e, h_t] + b)``. A modality that is missing counts as a zero embedding.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Loss of logits and labels.
        n_classes: K.
        dropout: Dropout on the joined embedding.
        half_weight: Weight of a loss on what the head says of each modality alone, the other one missing.
    """

    name = "concat"
    inputs_at_test = ("ecg", "text")
    reference = "Control: late fusion by concatenation"
    fidelity = "control"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        dropout: float,
        half_weight: float = 0.0,
    ) -> None:
        super().__init__(criterion)
        self.loss_weights = {"ecg": half_weight, "text": half_weight}
        require_same_width(ecg_encoder, text_encoder)
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * ecg_encoder.dim, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        h_t = text_embedding(self.text_encoder, batch)
        joined = self.dropout(torch.cat([h_e, h_t], dim=-1))
        output = ModelOutput(logits=self.head(joined).float(), ecg_embedding=h_e, text_embedding=h_t)
        if self.loss_weights["ecg"] > 0:
            halves = zip(joined.chunk(2, dim=-1), self.head.weight.chunk(2, dim=-1), strict=True)
            l_e, l_t = (linear(half, weight, self.head.bias).float() for half, weight in halves)
            output.extra = {"ecg_logits": l_e, "text_logits": l_t}
        return output

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms: ``cls``; and ``ecg`` and ``text`` where ``half_weight`` is above 0."""
        terms = super().losses(output, batch)
        if self.loss_weights["ecg"] > 0:
            l_e, l_t = output.extra["ecg_logits"], output.extra["text_logits"]
            terms["ecg"] = loss_of(self.criterion, l_e, batch.labels, batch.has_waveform)
            terms["text"] = loss_of(self.criterion, l_t, batch.labels, batch.has_report & batch.report_is_own)
        return terms
