"""Control: the waveform alone."""

from torch import nn

from ecgmm.models.encoders import EcgEncoder
from ecgmm.models.method import Method, ecg_embedding
from ecgmm.types import Batch, ModelOutput


class EcgOnly(Method):
    """A linear head on the waveform's embedding. A record without a usable waveform gets the head's bias.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        criterion: Loss of logits and labels.
        n_classes: K.
        dropout: Dropout on the embedding.
    """

    name = "ecg_only"
    inputs_at_test = ("ecg",)
    reference = "Control: waveform branch of gated_fusion"
    fidelity = "control"

    def __init__(self, ecg_encoder: EcgEncoder, criterion: nn.Module, n_classes: int, dropout: float) -> None:
        super().__init__(criterion)
        self.ecg_encoder = ecg_encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(ecg_encoder.dim, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        return ModelOutput(logits=self.head(self.dropout(h_e)).float(), ecg_embedding=h_e)
