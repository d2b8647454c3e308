"""Control: the report alone."""

from torch import nn

from ecgmm.models.encoders import TextEncoder
from ecgmm.models.method import Method, text_embedding
from ecgmm.types import Batch, ModelOutput


class TextOnly(Method):
    """A linear head on the report's embedding. A record without a report gets the head's bias.

    Args:
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Loss of logits and labels.
        n_classes: K.
        dropout: Dropout on the embedding.
    """

    name = "text_only"
    inputs_at_test = ("text",)
    reference = "Control: report branch of gated_fusion"
    fidelity = "control"

    def __init__(self, text_encoder: TextEncoder, criterion: nn.Module, n_classes: int, dropout: float) -> None:
        super().__init__(criterion)
        self.text_encoder = text_encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(text_encoder.dim, n_classes)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch."""
        h_t = text_embedding(self.text_encoder, batch)
        return ModelOutput(logits=self.head(self.dropout(h_t)).float(), text_embedding=h_t)
