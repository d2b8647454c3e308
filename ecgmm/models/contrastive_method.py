"""Base of the contrastive rows of Table 2: two stages, a space of waveforms and words, and a linear readout."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.contrastive import LogitScale, cosine, unit
from ecgmm.models.encoders import TextEncoder
from ecgmm.models.heard_prompts import HeardDescription, heard_descriptions, with_heard
from ecgmm.models.logistic_regression import LinearReadout
from ecgmm.models.method import Method, TrainingSplit
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.types import Batch, ModelOutput

log = logging.getLogger(__name__)
COMMON_STATEMENTS = 128
"""Statements, the most frequent of training first, whose mean direction stands for a report in general."""


class ContrastiveMethod(Method):
    """Learns from pairs of waveform and report, and classifies the waveform alone.

    Stage ``pretrain`` learns from pairs and never sees a label: its logits are zero-shot. Stage ``classify`` learns
    from labels alone, stage ``joint`` from both. A linear readout of both embeddings, solved after training, says
    what the report adds at test (late fusion of the method's own two towers).

    Classes may be declared unseen: their labels do not reach the loss, and they are recognised by their words alone,
    which are read as reports are (``heard_descriptions``, no template, no learned vector). So are all classes while no
    label was seen.

    In stage ``joint`` the total is ``cls + pair_weight * (sum of the pair losses)``.

    All texts lie near one direction, which says how much a waveform looks like a report at all. So classes in plain
    words are contrasted with it: ``unit(c - m)``, m the direction of the mean statement.

    Args:
        criterion: Loss of logits and labels.
        n_classes: K.
        dim: Width D of each of the two embeddings in ``ModelOutput``.
        unseen_classes: Names of the unseen classes.
        pair_weight: Weight of all losses of pairs beside 1 of the labels, in stage ``joint``.

    Attributes:
        heard: What stands for each description of a class; known once the method is bound.
    """

    two_stages: ClassVar[bool] = True
    inputs_at_test = ("ecg",)
    readouts: ClassVar[dict[str, tuple[str, ...]]] = {"report": ("ecg", "text")}
    text_encoder: TextEncoder
    scale: LogitScale
    seen: Tensor
    common_ids: Tensor
    common_mask: Tensor
    heard: list[HeardDescription]

    def __init__(
        self,
        criterion: nn.Module,
        n_classes: int,
        dim: int,
        unseen_classes: Sequence[str] = (),
        pair_weight: float = 1.0,
    ) -> None:
        if unseen_classes:
            from ecgmm.models.seen_classes import SeenClassLoss  # with all criteria, for such runs alone

            criterion = SeenClassLoss(criterion)
        super().__init__(criterion)
        self.unseen_classes = tuple(unseen_classes)
        self.pair_weight = pair_weight
        self.report_readout = LinearReadout(2 * dim, n_classes)
        self.plain_prompts = ClassPrompts()

    def bind(self, texts: TextBank) -> None:
        """Find the unseen classes, and write all classes in words that training has shown.

        Raises:
            ConfigError: If an unseen class is not a class, or fewer than two others are left.
        """
        unseen, classes = set(self.unseen_classes), texts.class_names
        if not unseen <= set(classes) or (unseen and len(set(classes) - unseen) < 2):
            raise ConfigError(
                f"method.unseen_classes is {list(self.unseen_classes)}; it may name some of {', '.join(classes)} and "
                "must leave at least two of them"
            )
        seen = [name not in unseen for name in classes]
        self.register_buffer("seen", torch.tensor(seen), persistent=False)
        if unseen:
            self.criterion.bind(seen)  # type: ignore[operator]  # SeenClassLoss
        self.heard = heard_descriptions(texts)
        self.plain_prompts.bind(with_heard(texts, self.heard), templates=("{}",))
        ids, mask = texts.encode(texts.statements[:COMMON_STATEMENTS])
        self.register_buffer("common_ids", ids, persistent=False)
        self.register_buffer("common_mask", mask, persistent=False)
        replaced = [one for one in self.heard if one.class_name in unseen and one.unheard]
        if replaced:
            log.warning(
                "%d of %d descriptions of %s hold words that no report of training holds, and were replaced"
                " (ecgmm zero_shot lists them)",
                len(replaced),
                sum(one.class_name in unseen for one in self.heard),
                ", ".join(self.unseen_classes),
            )

    @abstractmethod
    def pair_losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the loss terms that need no label; records that lack a modality take no part."""

    def project_text(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Bring texts ``[P, N]`` into the space in which waveforms and reports are compared: ``[P, D']``."""
        return self.text_encoder(token_ids, token_mask)

    def shared(self, output: ModelOutput) -> tuple[Tensor, Tensor]:
        """Waveforms and reports in that space, ``[B, D']`` each: projections where the method has them."""
        assert output.ecg_embedding is not None
        assert output.text_embedding is not None
        extra = output.extra
        return extra.get("ecg_projection", output.ecg_embedding), extra.get("text_projection", output.text_embedding)

    def similarities(self, batch: Batch, directions: Tensor) -> Tensor:
        """Compare waveforms with texts as the method compares them with its classes, without any bias.

        Args:
            batch: Batch whose waveforms are float z-scores.
            directions: ``[M, D']`` of length 1 in the space of ``project_text``.

        Returns:
            float32 ``[B, M]``, on the scale of logits.
        """
        ecg, _ = self.shared(self(batch))
        scaled: Tensor = self.scale() * cosine(ecg, directions)
        return scaled

    def class_directions(self, taught: Callable[[], Tensor]) -> Tensor:
        """Directions of the classes ``[K, D']``: as labels have taught them, in plain words where no label has.

        Args:
            taught: The method's own prompts.
        """
        if self.stage != "pretrain" and not self.unseen_classes:
            return taught()
        with torch.no_grad():  # no loss looks at them
            plain = self.plain_directions(self.plain_prompts)
        return plain if self.stage == "pretrain" else torch.where(self.seen.unsqueeze(-1), taught(), plain)

    def plain_directions(self, prompts: ClassPrompts) -> Tensor:
        """Directions ``[K', D']`` of classes in plain words, against a report in general."""
        classes: Tensor = prompts(self.project_text)
        if not len(self.common_ids):  # text.policy=none
            return classes
        common = unit(self.project_text(self.common_ids, self.common_mask)).mean(dim=0)
        return unit(classes - unit(common))

    def bias_of(self, class_bias: Tensor) -> Tensor:
        """Bias of each class ``[K]``: its own, or the mean of the others' where it is unseen."""
        if not self.unseen_classes:
            return class_bias
        mean_seen = (class_bias * self.seen).sum() / self.seen.sum()
        return torch.where(self.seen, class_bias, mean_seen)

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the terms of the present stage: pairs, labels (``cls``), or both."""
        pairs = {} if self.stage == "classify" else self.pair_losses(output, batch)
        labels = {} if self.stage == "pretrain" else super().losses(output, batch)
        return pairs | labels

    def total_loss(self, losses: dict[str, Tensor]) -> Tensor:
        """Sum the terms of ``losses``; where pairs stand beside labels, all of theirs count ``pair_weight``."""
        if self.stage != "joint":
            return super().total_loss(losses)
        pairs = {name: term for name, term in losses.items() if name != "cls"}
        return losses["cls"] + self.pair_weight * super().total_loss(pairs)

    def output(self, logits: Tensor, h_e: Tensor, h_t: Tensor, **extra: Tensor) -> ModelOutput:
        """Put an output together: embeddings ``[B, D]`` (zeros for what is missing) and their readout."""
        readouts = {"report": self.report_readout(torch.cat([h_e, h_t], dim=-1).detach())}
        return ModelOutput(logits.float(), None, h_e, h_t, readouts, extra)

    def after_training(self, train: TrainingSplit) -> None:
        """Solve the readout on the embeddings and labels of the training split."""
        embeddings = train.embeddings()
        self.report_readout.fit(torch.cat([embeddings.ecg, embeddings.text], dim=-1), embeddings.labels)
