"""Zhou et al. [8]: waveform and report in one space, classified by which class description lies nearest."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgmm.models.contrastive import LogitScale, cosine, info_nce, same_report
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.losses import projection_health
from ecgmm.models.method import ecg_embedding, require_same_width, text_embedding
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.types import Batch, ModelOutput


class EcgClip(ContrastiveMethod):
    """CLIP of waveforms and reports: ``logit_k = s cos(P_e h_e, c_k) + b_k`` with c_k the mean of the class's prompts.

    The bias is that of SigLIP (Zhai et al., arXiv 2303.15343, section 3), one per class: a cosine alone cannot say how
    rare a class is, so sigmoid and binary cross-entropy could not use it. It is zero until labels are seen, and all
    that a record without a usable waveform is classified by.

    Args:
        ecg_encoder: float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        shared_dim: Width of the space in which waveforms, reports and classes are compared.
        unseen_classes: Names of the unseen classes.
        pair_weight: Weight of all losses of pairs beside the labels.
    """

    name = "ecg_clip"
    reference = (
        "Zhou X, Li T, Hayama H, et al. Diagnosis of cardiac conditions from 12-lead electrocardiogram through natural "
        "language supervision. npj Digital Medicine, 2025, 8(1): 697"
    )
    fidelity = "abstract-level"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        shared_dim: int,
        unseen_classes: Sequence[str] = (),
        pair_weight: float = 1.0,
    ) -> None:
        dim = ecg_encoder.dim
        super().__init__(criterion, n_classes, dim, unseen_classes, pair_weight)
        require_same_width(ecg_encoder, text_encoder)
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.ecg_projection = nn.Linear(dim, shared_dim, bias=False)
        self.text_projection = nn.Linear(dim, shared_dim, bias=False)
        self.scale = LogitScale()
        self.class_bias = nn.Parameter(torch.zeros(n_classes))
        self.class_prompts = ClassPrompts()

    def bind(self, texts: TextBank) -> None:
        """Write the class prompts."""
        super().bind(texts)
        self.class_prompts.bind(texts)

    def project_text(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Bring texts ``[P, N]`` into the shared space: ``[P, shared_dim]``."""
        projected: Tensor = self.text_projection(self.text_encoder(token_ids, token_mask))
        return projected

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``ecg_projection`` and ``text_projection``, both ``[B, shared_dim]``."""
        h_e = ecg_embedding(self.ecg_encoder, batch)
        h_t = text_embedding(self.text_encoder, batch)
        p_e, p_t = self.ecg_projection(h_e), self.text_projection(h_t)
        classes = self.class_directions(lambda: self.class_prompts(self.project_text))
        logits = self.scale() * cosine(p_e, classes) + self.bias_of(self.class_bias)
        return self.output(logits, h_e, h_t, ecg_projection=p_e, text_projection=p_t)

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the term ``contrastive``: InfoNCE over the records that have both modalities."""
        similarities = cosine(output.extra["ecg_projection"], output.extra["text_projection"])
        positives = same_report(batch.token_ids, batch.token_mask)
        return {"contrastive": info_nce(self.scale() * similarities, positives, batch.is_pair)}

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Norms, ranks and gap of the two projections (``projection_health``)."""
        both_present = batch.is_pair
        return projection_health(*(output.extra[name][both_present] for name in ("ecg_projection", "text_projection")))
