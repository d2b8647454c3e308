"""Liu et al., MERL: waveform and report in one space, and two views of each waveform that dropout makes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from ecgmm.models.contrastive import LogitScale, cosine, info_nce, same_report
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.losses import projection_health
from ecgmm.models.method import require_same_width, text_embedding
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.types import Batch, ModelOutput


class Merl(ContrastiveMethod):
    """Aligns waveforms with reports, and each waveform with itself through two linear maps with dropout.

    ``logit_k = s cos(p_e, c_k) + b_k`` as in ``EcgClip``: p_e is what attention pools of the waveform, c_k the mean
    direction of the class's descriptions, which take the place of the prompts that a language model wrote for the
    publication. The temperature of both alignments is fixed; that of the classes is learned.

    Args:
        ecg_encoder: Gives features over time ``[B, C, T']`` and the embedding ``[B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        n_heads: Heads of the attention that pools the waveform; divides D.
        temperature: Of both alignments: cosines are divided by it.
        view_dropout: Dropout that makes two views of a waveform.
        uni_modal_weight: Weight of the alignment of these views, in that of waveform and report.
        unseen_classes: Names of the unseen classes.
        pair_weight: Weight of all losses of pairs beside the labels.
    """

    name = "merl"
    reference = (
        "Liu C, Wan Z, Ouyang C, et al. Zero-shot ECG classification with multimodal learning and test-time clinical "
        "knowledge enhancement. International Conference on Machine Learning (ICML), 2024"
    )
    fidelity = "code-confirmed"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        n_heads: int,
        temperature: float,
        view_dropout: float,
        uni_modal_weight: float,
        unseen_classes: Sequence[str] = (),
        pair_weight: float = 1.0,
    ) -> None:
        dim = ecg_encoder.dim
        super().__init__(criterion, n_classes, dim, unseen_classes, pair_weight)
        require_same_width(ecg_encoder, text_encoder)
        self.loss_weights = {"uni_modal": uni_modal_weight}
        self.temperature = temperature
        self.ecg_encoder = ecg_encoder
        self.text_encoder = text_encoder
        self.attention_pooling = ClassTokenPooling(ecg_encoder.n_channels, dim, n_heads)
        self.text_projection = nn.Linear(dim, dim)
        self.views = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, dim, bias=False), nn.Dropout(view_dropout)) for _ in range(2)
        )
        self.scale = LogitScale(1 / temperature)  # of the classes; pairs keep their temperature
        self.class_bias = nn.Parameter(torch.zeros(n_classes))
        self.class_prompts = ClassPrompts()

    def bind(self, texts: TextBank) -> None:
        """Write the class descriptions in tokens."""
        super().bind(texts)
        self.class_prompts.bind(texts, templates=("{}",))

    def project_text(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Bring texts ``[P, N]`` into the shared space: ``[P, D]``."""
        projected: Tensor = self.text_projection(gelu(self.text_encoder(token_ids, token_mask)))
        return projected

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch.

        ``extra`` holds ``ecg_projection``, ``text_projection``, ``first_view`` and ``second_view``, all ``[B, D]``.
        """
        present = batch.has_waveform.unsqueeze(-1)
        features = self.ecg_encoder.features(batch.waveforms)
        h_e = self.ecg_encoder.pooling(features) * present
        p_e = self.attention_pooling(features) * present
        h_t = text_embedding(self.text_encoder, batch)
        classes = self.class_directions(lambda: self.class_prompts(self.project_text))
        logits = self.scale() * cosine(p_e, classes) + self.bias_of(self.class_bias)
        first, second = (view(h_e) for view in self.views)
        return self.output(
            logits,
            h_e,
            h_t,
            ecg_projection=p_e,
            text_projection=self.text_projection(gelu(h_t)),
            first_view=first,
            second_view=second,
        )

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms, both InfoNCE.

        ``cross_modal``: waveform and report of the records that have both; ``uni_modal``: the views of each waveform.
        """
        p_e, p_t, first, second = (
            output.extra[name] for name in ("ecg_projection", "text_projection", "first_view", "second_view")
        )
        itself = torch.eye(len(first), dtype=torch.bool, device=first.device)
        same = same_report(batch.token_ids, batch.token_mask)
        return {
            "cross_modal": info_nce(cosine(p_e, p_t) / self.temperature, same, batch.is_pair),
            "uni_modal": info_nce(cosine(first, second) / self.temperature, itself, batch.has_waveform),
        }

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Norms, ranks and gap of the two projections (``projection_health``)."""
        both_present = batch.is_pair
        return projection_health(*(output.extra[name][both_present] for name in ("ecg_projection", "text_projection")))


class ClassTokenPooling(nn.Module):
    """Features over time as a learned token sees them: one layer of attention, in which the token sees itself too.

    Source: the attention pooling in the public code of MERL, which also learns a place for each of its 313 times; here
    there are none, since a record may begin anywhere in a beat and have any length.

    Args:
        n_channels: Number C of features at each time.
        dim: Width D of what comes out.
        n_heads: Attention heads; divides D.
    """

    def __init__(self, n_channels: int, dim: int, n_heads: int) -> None:
        super().__init__()
        self.tokens = nn.Linear(n_channels, dim)
        self.class_token = nn.Parameter(torch.randn(1, 1, dim))
        self.attention = nn.MultiheadAttention(dim, n_heads, batch_first=True)
        self.projection = nn.Linear(dim, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Pool ``[B, C, T']`` to ``[B, D]``."""
        tokens = self.tokens(features.transpose(1, 2))
        first = self.class_token.to(tokens.dtype).expand(tokens.shape[0], -1, -1)
        seen = torch.cat([first, tokens], dim=1)
        pooled, _ = self.attention(first, seen, seen, need_weights=False)
        projected: Tensor = self.projection(pooled.squeeze(1))
        return projected
