"""Wang et al. [14]: waveform and spectrogram aligned with each other and with the report; learned class prompts."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ecgmm.models.contrastive import LogitScale, cosine, info_nce, same_report
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.method import ecg_embedding, require_same_width, text_embedding
from ecgmm.models.prompt_context import LearnedPrompts
from ecgmm.models.text_bank import TextBank
from ecgmm.types import Batch, ModelOutput


class TimeFrequency(ContrastiveMethod):
    """``h_e = W [h_time, h_frequency]`` is compared with reports, and with class descriptions behind learned vectors.

    ``logit_k = s cos(h_e, c_k) + b_k`` with a bias as in ``EcgClip``. Unseen classes are described without the learned
    vectors, which only labels teach.

    Args:
        ecg_encoder: Time tower, float ``[B, 12, T] -> [B, D]``.
        frequency_encoder: Frequency tower, float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``; also encodes word embeddings.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        n_context: Number of learned vectors before a class description.
        unseen_classes: Names of the unseen classes.
        time_frequency_weight: Weight of the alignment of the two waveform towers, in that of waveform and report.
        pair_weight: Weight of all losses of pairs beside the labels.
    """

    name = "time_frequency"
    reference = (
        "Wang N, Wang H, Tan J, et al. ECG-text multi-modal learning for zero-shot detection via time-frequency "
        "alignment and medical prompt learning. Expert Systems with Applications, 2025: 131064"
    )
    fidelity = "title-only"

    def __init__(
        self,
        ecg_encoder: EcgEncoder,
        frequency_encoder: EcgEncoder,
        text_encoder: TextEncoder,
        criterion: nn.Module,
        n_classes: int,
        n_context: int,
        unseen_classes: Sequence[str],
        time_frequency_weight: float,
        pair_weight: float = 1.0,
    ) -> None:
        dim = ecg_encoder.dim
        super().__init__(criterion, n_classes, dim, unseen_classes, pair_weight)
        require_same_width(ecg_encoder, text_encoder)
        self.loss_weights = {"time_frequency": time_frequency_weight}
        self.ecg_encoder = ecg_encoder
        self.frequency_encoder = frequency_encoder
        self.fusion = nn.Linear(2 * dim, dim, bias=False)
        self.text_encoder = text_encoder
        self.prompts = LearnedPrompts(n_context, text_encoder.width)
        self.scale = LogitScale()
        self.time_frequency_scale = LogitScale()
        self.class_bias = nn.Parameter(torch.zeros(n_classes))

    def bind(self, texts: TextBank) -> None:
        """Write the class descriptions."""
        super().bind(texts)
        self.prompts.bind(texts)

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``time`` and ``frequency``, the embeddings ``[B, D]`` of the two towers."""
        time = ecg_embedding(self.ecg_encoder, batch)
        frequency = ecg_embedding(self.frequency_encoder, batch)
        h_e = self.fusion(torch.cat([time, frequency], dim=-1))
        h_t = text_embedding(self.text_encoder, batch)
        classes = self.class_directions(lambda: self.prompts(self.text_encoder))
        logits = self.scale() * cosine(h_e, classes) + self.bias_of(self.class_bias)
        return self.output(logits, h_e, h_t, time=time, frequency=frequency)

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms, both InfoNCE.

        ``time_frequency``: the two views of each waveform; ``contrastive``: waveform and report.
        """
        views = cosine(output.extra["time"], output.extra["frequency"])
        itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
        same = same_report(batch.token_ids, batch.token_mask)
        return {
            "time_frequency": info_nce(self.time_frequency_scale() * views, itself, batch.has_waveform),
            "contrastive": info_nce(self.scale() * cosine(*self.shared(output)), same, batch.is_pair),
        }
