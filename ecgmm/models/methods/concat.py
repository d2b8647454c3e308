"""Control: both embeddings side by side under one linear head."""

import torch
from torch import nn

from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.method import Method, ecg_embedding, require_same_width, text_embedding
from ecgmm.types import Batch, ModelOutput


class Concat(Method):
    """``softmax(W [h_e, h_t] + b)``. A modality that is missing counts as a zero embedding.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Loss of logits and labels.
        n_classes: K.
        dropout: Dropout on the joined embedding.
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
    ) -> None:
        super().__init__(criterion)
        require_same_width(ecg_encoder, text_encoder)
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * ecg_encoder.dim, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        h_t = text_embedding(self.text_encoder, batch)
        logits = self.head(self.dropout(torch.cat([h_e, h_t], dim=-1))).float()
        return ModelOutput(logits=logits, ecg_embedding=h_e, text_embedding=h_t)
