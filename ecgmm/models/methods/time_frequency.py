"""Wang et al. [14]: waveform and spectrogram aligned with each other and with the report; learned class prompts."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ecgmm.errors import ConfigError
from ecgmm.models.contrastive import LogitScale, cosine, info_nce, same_report
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.criteria import Criterion, ForwardCorrection
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.method import ecg_embedding, require_same_width, text_embedding
from ecgmm.models.prompt_context import LearnedPrompts
from ecgmm.models.text_bank import TextBank
from ecgmm.types import Batch, ModelOutput


class TimeFrequency(ContrastiveMethod):
    """``h_e = W [h_time, h_frequency]`` is compared with reports, and with class descriptions behind learned vectors.

    ``logit_k = s cos(h_e, c_k) + b_k`` with a bias as in ``EcgClip``. Classes may be declared unseen: their labels do
    not reach the loss, and they are recognised by their description alone; their bias is the mean of the others'.

    Args:
        ecg_encoder: Time tower, float ``[B, 12, T] -> [B, D]``.
        frequency_encoder: Frequency tower, float ``[B, 12, T] -> [B, D]``.
        text_encoder: token ids and mask ``[B, N] -> [B, D]``; also encodes word embeddings.
        criterion: Classification loss of logits and labels.
        n_classes: K.
        n_context: Number of learned vectors before a class description.
        unseen_classes: Names of the unseen classes.
        time_frequency_weight: Weight of the alignment of the two waveform towers.
    """

    name = "time_frequency"
    reference = (
        "Wang N, Wang H, Tan J, et al. ECG-text multi-modal learning for zero-shot detection via time-frequency "
        "alignment and medical prompt learning. Expert Systems with Applications, 2025: 131064"
    )
    fidelity = "title-only"
    criterion: "SeenClassLoss"

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
    ) -> None:
        dim = ecg_encoder.dim
        super().__init__(SeenClassLoss(criterion), n_classes, dim)
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
        self.unseen_classes = tuple(unseen_classes)

    def bind(self, texts: TextBank) -> None:
        """Write the class descriptions and find the unseen classes.

        Raises:
            ConfigError: If an unseen class is not a class, or fewer than two others are left.
        """
        unseen, classes = set(self.unseen_classes), texts.class_names
        if not unseen <= set(classes) or (unseen and len(set(classes) - unseen) < 2):
            raise ConfigError(
                f"method.unseen_classes is {list(self.unseen_classes)}; it may name some of {', '.join(classes)} and "
                "must leave at least two of them"
            )
        if unseen and isinstance(self.criterion.criterion, ForwardCorrection):
            raise ConfigError(
                "criterion=forward_correction estimates how all classes are mislabelled, and method.unseen_classes"
                " leaves some out; choose another criterion"
            )
        self.prompts.bind(texts)
        self.criterion.bind([name not in unseen for name in classes])

    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch; ``extra`` holds ``time`` and ``frequency``, the embeddings ``[B, D]`` of the two towers."""
        time = ecg_embedding(self.ecg_encoder, batch)
        frequency = ecg_embedding(self.frequency_encoder, batch)
        h_e = self.fusion(torch.cat([time, frequency], dim=-1))
        h_t = text_embedding(self.text_encoder, batch)
        seen = self.criterion.seen
        bias = torch.where(seen, self.class_bias, self.class_bias[seen].mean())
        logits = self.scale() * cosine(h_e, self.prompts(self.text_encoder)) + bias
        return self.output(logits, h_e, h_t, time=time, frequency=frequency)

    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms, both InfoNCE.

        ``time_frequency``: the two views of each waveform; ``contrastive``: waveform and report.
        """
        has_ecg, both = batch.has_waveform, batch.is_pair
        time, frequency = output.extra["time"][has_ecg], output.extra["frequency"][has_ecg]
        itself = torch.eye(len(time), dtype=torch.bool, device=time.device)
        assert output.ecg_embedding is not None
        assert output.text_embedding is not None
        h_e, h_t = output.ecg_embedding[both], output.text_embedding[both]
        positives = same_report(batch.token_ids[both], batch.token_mask[both])
        return {
            "time_frequency": info_nce(self.time_frequency_scale() * cosine(time, frequency), itself),
            "contrastive": info_nce(self.scale() * cosine(h_e, h_t), positives),
        }


class SeenClassLoss(nn.Module):
    """A classification loss to which unseen classes do not exist: neither their logits nor their labels count.

    With one class per record, records of an unseen class are left out; soft targets count by their most probable class,
    and what they give to seen classes is scaled to sum to 1.

    Args:
        criterion: ``CrossEntropyLoss``, ``BCEWithLogitsLoss`` or one of ``ecgmm.models.criteria``.
    """

    seen: Tensor

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion

    def bind(self, seen: Sequence[bool]) -> None:
        """Say which of the K classes are seen."""
        self.register_buffer("seen", torch.tensor(seen), persistent=False)
        self.all_seen = all(seen)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compare logits ``[B, K]`` with labels; 0 with zero gradient if no record is left."""
        if not self.all_seen and self._one_class_a_record():
            shares = labels if labels.is_floating_point() else one_hot(labels, len(self.seen)).float()
            kept = self.seen[shares.argmax(dim=1)]
            logits, shares = logits[kept][:, self.seen], shares[kept][:, self.seen]
            labels = shares / shares.sum(dim=1, keepdim=True)
        elif not self.all_seen:
            logits, labels = logits[:, self.seen], labels[:, self.seen]
        loss: Tensor = self.criterion(logits, labels) if len(logits) else logits.sum()
        return loss

    def _one_class_a_record(self) -> bool:
        criterion = self.criterion
        if isinstance(criterion, Criterion):
            return criterion.task == "single_label"
        return isinstance(criterion, nn.CrossEntropyLoss)
