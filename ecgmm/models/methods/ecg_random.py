"""Control: a waveform encoder that learns nothing, under a linear head."""

from typing import Self

from torch import nn

from ecgmm.models.batch_norm import BatchNorm
from ecgmm.models.encoders import EcgEncoder
from ecgmm.models.method import Method, ecg_embedding
from ecgmm.types import Batch, ModelOutput


class EcgRandom(Method):
    """A linear head on the embedding of an encoder that stays as it was drawn at random.

    What a trained encoder is worth is what it gains on this one. The encoder's weights and the running statistics of
    its batch norms are frozen; its embedding is standardised feature by feature, because nothing else brings it to a
    scale that a head learns from. A record without a usable waveform gets the head's bias.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``; frozen here.
        criterion: Loss of logits and labels.
        n_classes: K.
        dropout: Dropout on the embedding.
    """

    name = "ecg_random"
    inputs_at_test = ("ecg",)
    reference = "Control: linear head on a random frozen waveform encoder"
    fidelity = "control"

    def __init__(self, ecg_encoder: EcgEncoder, criterion: nn.Module, n_classes: int, dropout: float) -> None:
        super().__init__(criterion)
        self.ecg_encoder = ecg_encoder
        self.get_submodule("ecg_encoder").requires_grad_(False)
        self.standardise = BatchNorm(ecg_encoder.dim, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(ecg_encoder.dim, n_classes)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; the encoder stays in evaluation, which freezes its batch norms."""
        super().train(mode)
        self.get_submodule("ecg_encoder").eval()
        return self

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        h_e = self.standardise(ecg_embedding(self.ecg_encoder, batch).float()) * batch.has_waveform.unsqueeze(-1)
        return ModelOutput(logits=self.head(self.dropout(h_e)).float(), ecg_embedding=h_e)
