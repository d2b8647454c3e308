"""What every method is: a batch in, a ``ModelOutput`` and named loss terms out, and labels that say what the method is.

A method knows neither the optimiser nor the trainer. Its parts (encoders, criterion) are built outside and handed in.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.models.text_bank import TextBank
from ecgmm.types import Batch, ModelOutput

Fidelity = Literal["paper", "code-confirmed", "paper-confirmed", "abstract-level", "title-only", "control"]
Stage = Literal["joint", "pretrain", "classify"]


class Method(nn.Module, ABC):
    """Base of all methods.

    Attributes:
        name: Name in tables and of the file in ``conf/method``.
        inputs_at_test: Which of ``"ecg"`` and ``"text"`` the method looks at when it predicts.
        reference: Where the method is described.
        fidelity: How much of the description could be confirmed; ``control`` for rows that no paper proposes.
        closed_form: True where ``fit`` replaces gradient training.
        two_stages: True where the method was published with pre-training before classification.
        readouts: Inputs at test of each further prediction in ``ModelOutput.readouts``, by its name.
        loss_weights: Weight of each loss term in the total; a term that is not named has weight 1.
        stage: ``joint`` for all losses at once; two-stage methods also know ``pretrain`` and ``classify``.
    """

    name: ClassVar[str]
    inputs_at_test: tuple[str, ...]
    reference: ClassVar[str]
    fidelity: ClassVar[Fidelity]
    closed_form: ClassVar[bool] = False
    two_stages: ClassVar[bool] = False
    readouts: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion
        self.loss_weights: dict[str, float] = {}
        self.stage: Stage = "joint"

    def bind(self, texts: TextBank) -> None:
        """Learn the words of a run, once after the method was built, and again when it is loaded.

        What is made of them lives in buffers that are not saved (``persistent=False``): the words are saved already.
        """

    @abstractmethod
    def forward(self, batch: Batch) -> ModelOutput:
        """Classify a batch whose waveforms are float z-scores."""

    def losses(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Name the loss terms of a batch, each a float32 scalar, unweighted.

        Args:
            output: Of the whole batch, also where several processes share the waveforms.
            batch: The batch; its waveforms are left out.
        """
        return {"cls": self.criterion(output.logits, batch.labels)}

    def total_loss(self, losses: dict[str, Tensor]) -> Tensor:
        """Sum the terms of ``losses`` with ``loss_weights``."""
        terms = [self.loss_weights.get(name, 1.0) * term for name, term in losses.items()]
        return sum(terms[1:], start=terms[0])

    def explain(self, batch: Batch) -> list[str]:
        """Say in words what the method sees in a batch of one record; nothing for methods that do not talk."""
        return []


class ClosedFormMethod(Method):
    """A method solved once on the whole training split; its solution lives in buffers and saves as weights do."""

    closed_form: ClassVar[bool] = True

    @abstractmethod
    def fit(self, train: Batch) -> None:
        """Solve for the training split.

        Args:
            train: All training records as one batch; waveforms may be empty.

        Raises:
            ConfigError: If a class does not occur among the training labels.
        """


def ecg_embedding(encoder: nn.Module, batch: Batch) -> Tensor:
    """Encode the waveforms: ``[B, D]``, zeros for a record without a usable waveform."""
    embedding: Tensor = encoder(batch.waveforms)
    return embedding * batch.has_waveform.unsqueeze(-1)


def text_embedding(encoder: nn.Module, batch: Batch) -> Tensor:
    """Encode the reports: ``[B, D]``, zeros for a record without a report."""
    embedding: Tensor = encoder(batch.token_ids, batch.token_mask)
    return embedding * batch.has_report.unsqueeze(-1)


def require_same_width(ecg_encoder: nn.Module, text_encoder: nn.Module, dim: int) -> None:
    """Refuse encoders whose embeddings differ in width.

    Raises:
        ConfigError: If an encoder's ``dim`` is not ``dim``.
    """
    if not ecg_encoder.dim == text_encoder.dim == dim:
        raise ConfigError(
            f"ecg_encoder.dim={ecg_encoder.dim}, text_encoder.dim={text_encoder.dim} and method.dim={dim} differ, "
            "but must be the same; set ecg_encoder.dim, which the others follow."
        )


def require_every_class(labels: Tensor, n_classes: int) -> None:
    """Refuse a training split in which a class is missing (or, in a multi-label task, always present).

    Args:
        labels: int64 ``[N]`` class numbers, or float ``[N, K]``.
        n_classes: K.

    Raises:
        ConfigError: Naming the first such class by its index.
    """
    if labels.is_floating_point():
        constant = (labels > 0.5).all(0) | ~(labels > 0.5).any(0)
    else:
        constant = labels.bincount(minlength=n_classes) == 0
    if constant.any():
        index = int(constant.nonzero()[0])
        raise ConfigError(
            f"class {index} of {n_classes} does not vary over the {len(labels)} training records, so it cannot be "
            "learnt; use a larger training fraction or a label set without this class."
        )
