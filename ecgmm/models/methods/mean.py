"""Control: the gate fixed at one half, no consistency loss."""

from torch import nn

from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.fusion import MeanGate, blend
from ecgmm.models.method import Method, ecg_embedding, require_same_width, text_embedding
from ecgmm.types import Batch, ModelOutput


class Mean(Method):
    """``z = (h_e + h_t) / 2``, or the embedding that is there when the other modality is missing.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Loss of logits and labels.
        n_classes: K.
        dropout: Dropout on z.
    """

    name = "mean"
    inputs_at_test = ("ecg", "text")
    reference = "Control: gated_fusion with alpha = 0.5"
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
        self.gate = MeanGate()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(ecg_encoder.dim, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        h_t = text_embedding(self.text_encoder, batch)
        alpha = self.gate(h_e, h_t, batch.has_waveform, batch.has_report)
        logits = self.head(self.dropout(blend(alpha, h_e, h_t))).float()
        return ModelOutput(logits=logits, gate=alpha.mean(dim=1), ecg_embedding=h_e, text_embedding=h_t)
