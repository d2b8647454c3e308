"""Li et al. [10], FG-CLEP: waveforms and reports as a whole, and waveforms and single tags of reports."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ecgmm.models.contrastive import LogitScale, cosine, sigmoid_loss, unit
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.losses import projection_health
from ecgmm.models.method import require_same_width, text_embedding
from ecgmm.models.shared_queries import attend
from ecgmm.models.tags import Tags, validated
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.types import Batch, ModelOutput


class FgClep(ContrastiveMethod):
    """Compares waveforms with reports (coarse), and with one tag of a report through what the tag attends to (fine).

    ``logit_k = s (cos(P_e h_e, c_k) + cos(a(c_k), c_k)) / 2 + b_k``: c_k is the class's prompt embedding and a(c_k)
    what cross-attention with the query c_k finds in the waveform. Both losses ask for every pair whether it belongs
    together (sigmoid), because a waveform may fit many reports.

    Args:
        ecg_encoder: Gives features over time ``[B, C, T']`` and the embedding ``[B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        shared_dim: Width of the space in which waveforms, reports, tags and classes are compared.
        n_heads: Heads of the cross-attention; divides ``shared_dim``.
        similarity: Batch to soft targets ``[B, B]``: how much two reports say the same.
        least_similarity: Cosine with the waveform from which a feature that the dictionary adds is taken as a tag.
        unseen_classes: Names of the unseen classes.
        pair_weight: Weight of all losses of pairs beside the labels.
    """

    name = "fg_clep"
    reference = (
        "Li H, Liu C, Ding Z, et al. Fine-grained ECG-text contrastive learning via waveform understanding "
        "enhancement. arXiv 2505.11939, 2025"
    )
    fidelity = "paper-confirmed"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        shared_dim: int,
        n_heads: int,
        similarity: nn.Module,
        least_similarity: float,
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
        self.attention = nn.MultiheadAttention(
            shared_dim, n_heads, kdim=ecg_encoder.n_channels, vdim=ecg_encoder.n_channels, batch_first=True
        )
        self.scale = LogitScale()
        # Nearly all pairs of a batch are negative, which a low bias says from the start (SigLIP, Zhai et al., arXiv
        # 2303.15343, section 3: -10, for batches of thousands).
        self.coarse_bias = nn.Parameter(torch.tensor(-5.0))
        self.fine_bias = nn.Parameter(torch.tensor(-5.0))
        self.class_bias = nn.Parameter(torch.zeros(n_classes))
        self.similarity = similarity
        self.least_similarity = least_similarity
        self.class_prompts = ClassPrompts()
        self.tags = Tags()

    def bind(self, texts: TextBank) -> None:
        """Write class prompts and tags."""
        super().bind(texts)
        self.class_prompts.bind(texts)
        self.tags.bind(texts)

    def project_text(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Bring texts ``[P, N]`` into the shared space: ``[P, shared_dim]``."""
        projected: Tensor = self.text_projection(self.text_encoder(token_ids, token_mask))
        return projected

    def fine_similarity(self, features: Tensor, queries: Tensor) -> Tensor:
        """Compare each query with what it attends to in each waveform.

        Args:
            features: ``[B, T', C]``.
            queries: ``[M, shared_dim]``.

        Returns:
            Cosines, float32 ``[B, M]``.
        """
        attended = attend(self.attention, queries, features)
        return (unit(attended) * unit(queries)).sum(dim=-1)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``features`` ``[B, T', C]`` and both projections ``[B, shared_dim]``."""
        present = batch.has_waveform.unsqueeze(-1)
        features = self.ecg_encoder.features(batch.waveforms)
        h_e = self.ecg_encoder.pooling(features) * present
        h_t = text_embedding(self.text_encoder, batch)
        p_e, p_t = self.ecg_projection(h_e), self.text_projection(h_t)
        features = features.transpose(1, 2) * present.unsqueeze(-1)
        classes = self.class_directions(lambda: self.class_prompts(self.project_text))
        logits = self._compared(p_e, features, present, classes) + self.bias_of(self.class_bias)
        return self.output(logits, h_e, h_t, features=features, ecg_projection=p_e, text_projection=p_t)

    def similarities(self, batch: Batch, directions: Tensor) -> Tensor:
        """Mean of the coarse and the fine cosine, scaled."""
        extra = self(batch).extra
        present = batch.has_waveform.unsqueeze(-1)
        return self._compared(extra["ecg_projection"], extra["features"], present, directions)

    def _compared(self, p_e: Tensor, features: Tensor, present: Tensor, directions: Tensor) -> Tensor:
        fine = self.fine_similarity(features, directions) * present
        compared: Tensor = self.scale() * (cosine(p_e, directions) + fine) / 2
        return compared

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms ``coarse`` and ``fine`` over the records that have both modalities."""
        both = batch.is_pair
        features, p_e, p_t = (output.extra[name] for name in ("features", "ecg_projection", "text_projection"))
        coarse = self.scale() * cosine(p_e, p_t) + self.coarse_bias
        has_tag = self.tags_of(batch, p_e) & both.unsqueeze(1)
        tagged = has_tag.any(dim=1)
        # One tag per record and step, masked and not picked out: picking would make the host wait for the device. The
        # column behind the last stands for none, and the row behind the last for its words.
        chosen = torch.multinomial(torch.cat([has_tag, ~tagged.unsqueeze(1)], dim=1).float(), 1).squeeze(1)
        token_ids, token_mask = (
            pad(words, (0, 0, 0, 1))[chosen] for words in (self.tags.token_ids, self.tags.token_mask)
        )
        fine = self.scale() * self.fine_similarity(features, self.project_text(token_ids, token_mask)) + self.fine_bias
        return {
            "coarse": sigmoid_loss(coarse, self.similarity(batch), both.unsqueeze(1) & both),
            "fine": sigmoid_loss(fine, pad(has_tag, (0, 1))[:, chosen], tagged.unsqueeze(1) & tagged),
        }

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Norms, ranks and gap of the two projections (``projection_health``)."""
        both_present = batch.is_pair
        return projection_health(*(output.extra[name][both_present] for name in ("ecg_projection", "text_projection")))

    def tags_of(self, batch: Batch, p_e: Tensor) -> Tensor:
        """Tags of each record: bool ``[B, G]``, its statements and those added features that its waveform resembles."""
        with torch.no_grad():
            p_features = self.project_text(*self.tags.features)
        added = validated(self.tags.added(batch.statement_ids), p_e, p_features, self.least_similarity)
        return torch.cat([self.tags.stated(batch.statement_ids), added], dim=1)
