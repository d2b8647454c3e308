"""The paper's method: two encoders, a gate, a softmax head and a consistency loss (section 3)."""

from torch import Tensor, nn

from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.fusion import blend
from ecgmm.models.losses import SquaredConsistency, projection_health
from ecgmm.models.method import Method, ecg_embedding, require_same_width, text_embedding
from ecgmm.types import Batch, ModelOutput


class GatedFusion(Method):
    """``z = alpha h_e + (1 - alpha) h_t`` with alpha from a gate; ``L = L_cls + lambda L_cons``.

    A record that lacks a modality is classified from the other one and does not enter the consistency loss.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``, f_e of the paper.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``, f_t of the paper.
        gate: One of ``ecgmm.models.fusion``, scalar in the paper. ``ModelOutput.gate`` is its mean over components.
        consistency: One of ``ecgmm.models.losses``; squared error in the paper. Its space has width D too (the paper
            names neither width).
        criterion: Classification loss of logits and labels; cross-entropy in the paper.
        n_classes: K.
        dropout: Dropout on z.
        lambda_cons: Weight lambda of the consistency loss.
    """

    name = "gated_fusion"
    inputs_at_test = ("ecg", "text")
    reference = "The reproduced paper, section 3"
    fidelity = "paper"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        gate: nn.Module,
        consistency: SquaredConsistency,
        criterion: nn.Module,
        n_classes: int,
        dropout: float,
        lambda_cons: float,
    ) -> None:
        super().__init__(criterion)
        require_same_width(ecg_encoder, text_encoder)
        dim = ecg_encoder.dim
        self.loss_weights = {"cls": 1.0, "cons": lambda_cons}
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.gate = gate
        self.consistency = consistency
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, n_classes)
        self.ecg_projection = consistency.projection(dim)
        self.text_projection = consistency.projection(dim)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``ecg_projection``, P_e h_e, and ``text_projection``, P_t h_t."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        h_t = text_embedding(self.text_encoder, batch)
        alpha = self.gate(h_e, h_t, batch.has_waveform, batch.has_report)
        output = ModelOutput(
            logits=self.head(self.dropout(blend(alpha, h_e, h_t))).float(),
            gate=alpha.mean(dim=1),
            ecg_embedding=h_e,
            text_embedding=h_t,
            extra={"ecg_projection": self.ecg_projection(h_e), "text_projection": self.text_projection(h_t)},
        )
        if self.consistency.compares_classes:
            output.extra |= {"ecg_logits": self.head(h_e), "text_logits": self.head(h_t)}
        return output

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms: ``cls`` and ``cons``."""
        both_present = batch.is_pair
        p_e, p_t = output.extra["ecg_projection"], output.extra["text_projection"]
        classes = None
        if self.consistency.compares_classes:
            classes = (output.extra["ecg_logits"], output.extra["text_logits"])
        return {**super().losses(output, batch), "cons": self.consistency.loss(p_e, p_t, both_present, classes)}

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Norms, ranks and gap of the two projections (``projection_health``)."""
        both_present = batch.is_pair
        return projection_health(*(output.extra[name][both_present] for name in ("ecg_projection", "text_projection")))
