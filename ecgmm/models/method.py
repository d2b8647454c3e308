"""Contract of all methods: a batch in, a ``ModelOutput`` and named loss terms out, and labels that say what it is.

A method knows neither the optimiser nor the trainer. Its parts (encoders, criterion) are built outside and handed in.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol, Self

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ecgmm.errors import ConfigError
from ecgmm.models.encoders import EcgEncoder, FreezableTextEncoder, TextEncoder
from ecgmm.models.text_bank import TextBank
from ecgmm.types import Batch, ModelOutput

if TYPE_CHECKING:
    from ecgmm.models.weight_matching import Matching

Fidelity = Literal["paper", "code-confirmed", "paper-confirmed", "abstract-level", "title-only", "control"]
Stage = Literal["joint", "pretrain", "classify"]


class Embeddings(NamedTuple):
    """Embeddings and labels of the training split.

    Attributes:
        ecg: float32 ``[N, D]``, zeros for a record without a usable waveform.
        text: float32 ``[N, D]``, zeros for a record without a report.
        labels: int64 ``[N]`` class numbers, or float ``[N, K]``.
    """

    ecg: Tensor
    text: Tensor
    labels: Tensor


class TrainingSplit(Protocol):
    """The training split as a method may look at it once more after training."""

    def records(self) -> Batch:
        """All records as one batch; its waveforms are left out."""

    def embeddings(self) -> Embeddings:
        """Embeddings that the trained method gives, without augmentation; only for methods that have readouts."""


class Method(nn.Module, ABC):
    """Base of all methods. A method calls its waveform encoder ``ecg_encoder`` and its report encoder ``text_encoder``.

    Attributes:
        name: Name in tables and of the file in ``conf/method``.
        inputs_at_test: Which of ``"ecg"`` and ``"text"`` the method looks at when it predicts.
        reference: Where the method is described.
        fidelity: How much of the description could be confirmed; ``control`` for rows that no paper proposes.
        closed_form: True where ``after_training`` replaces gradient training.
        two_stages: True where the method was published with pre-training before classification.
        label_free: Predictions that its pre-training alone allows: class prompts, a linear head on frozen features.
        learns_from_reports: False where a method of two stages never sees a report.
        class_parts: Parts that some method has whose numbers stand for the classes of one label set.
        finding_parts: Parts that some method has whose numbers stand for the findings of one store's reports.
        readouts: Inputs at test of each further prediction in ``ModelOutput.readouts``, by its name.
        loss_weights: Weight of each loss term in the total; a term that is not named has weight 1.
        stage: ``joint`` for all losses at once; two-stage methods also know ``pretrain`` and ``classify``.
        unseen_classes: Names of classes whose labels the method does not learn from.
        given: What of the method began with given weights rather than random ones; None where nothing did.
    """

    class_parts: ClassVar[tuple[str, ...]] = ("head", "class_bias", "report_readout")
    finding_parts: ClassVar[tuple[str, ...]] = ("findings_head", "findings_token")
    name: ClassVar[str]
    inputs_at_test: tuple[str, ...]
    reference: ClassVar[str]
    fidelity: ClassVar[Fidelity]
    closed_form: ClassVar[bool] = False
    two_stages: ClassVar[bool] = False
    label_free: ClassVar[tuple[str, ...]] = ("zero_shot", "linear_probe")
    learns_from_reports: ClassVar[bool] = True
    readouts: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion
        self.loss_weights: dict[str, float] = {}
        self.stage: Stage = "joint"
        self.unseen_classes: tuple[str, ...] = ()
        self.given: Matching | None = None
        self._frozen: list[nn.Module] = []

    def freeze(self, parts: Sequence[str]) -> None:
        """Keep parts as they are: no gradient, no dropout, and batch norms with the statistics that they have.

        Args:
            parts: Dotted names of modules or parameters of the method.
        """
        frozen = [attrgetter(part)(self) for part in parts]
        for part in frozen:
            part.requires_grad_(False)
        self._frozen = [part for part in frozen if isinstance(part, nn.Module)]
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; what is frozen stays in evaluation."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

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

    def diagnostics(self, output: ModelOutput, batch: Batch) -> dict[str, Tensor]:
        """Measure a validation batch by more than its losses; the means over batches are logged as ``val/<name>``.

        Args:
            output: Of the whole batch.
            batch: The batch; its waveforms are left out.

        Returns:
            Scalars by name, the same names for every batch; nothing unless the method has something to show.
        """
        return {}

    def after_training(self, train: TrainingSplit) -> None:
        """Solve, on the training split, what gradients do not learn: nothing unless the method has such parts.

        Raises:
            ConfigError: If a class does not occur among the training labels.
        """

    @property
    def looks_at_waveforms(self) -> bool:
        """Whether it looks at waveforms, in training or when it predicts; if not, its batches hold none."""
        return "ecg" in self.inputs_at_test or "ecg_encoder" in self._modules

    def explain(self, batch: Batch) -> list[str]:
        """Say in words what the method sees in a batch of one record; nothing for methods that do not talk."""
        return []

    def compiled_parts(self) -> list[nn.Module]:
        """Parts for which ``compile=true`` has kernels written: those of the waveform encoder."""
        encoder = self._modules.get("ecg_encoder")
        return [] if encoder is None else list(encoder.children())

    def frozen_text_encoder(self) -> FreezableTextEncoder | None:
        """The report encoder, if what it knows of words never changes."""
        encoder = self._modules.get("text_encoder")
        return encoder if isinstance(encoder, FreezableTextEncoder) and encoder.frozen else None

    def bound_texts(self) -> list[tuple[Tensor, Tensor]]:
        """Token ids and masks ``[n, N]`` of texts that ``bind`` wrote: buffers ``<name>_ids`` and ``<name>_mask``."""
        buffers = dict(self.named_buffers())
        names = [name.removesuffix("_ids") for name in buffers if name.endswith("_ids")]
        pairs = [(buffers[f"{name}_ids"], buffers[f"{name}_mask"]) for name in names if f"{name}_mask" in buffers]
        return [(ids, mask) for ids, mask in pairs if len(ids)]


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

    def after_training(self, train: TrainingSplit) -> None:
        """Solve (``fit``)."""
        self.fit(train.records())


def ecg_embedding(encoder: EcgEncoder, batch: Batch) -> Tensor:
    """Encode the waveforms: ``[B, D]``, zeros for a record without a usable waveform."""
    return encoder(batch.waveforms) * batch.has_waveform.unsqueeze(-1)


def text_embedding(encoder: TextEncoder, batch: Batch) -> Tensor:
    """Encode the reports: ``[B, D]``, zeros for a record without a report."""
    return encoder(batch.token_ids, batch.token_mask) * batch.has_report.unsqueeze(-1)


def loss_of(criterion: nn.Module, logits: Tensor, labels: Tensor, chosen: Tensor) -> Tensor:
    """Loss of some records of a batch, masked and not picked out: picking would make the host wait for the device.

    Args:
        criterion: Loss of logits and labels, a mean over records: one of torch's, or of ``ecgmm.models.criteria``.
        logits: ``[B, K]``.
        labels: int64 ``[B]`` class numbers, or float ``[B, K]``.
        chosen: bool ``[B]``.

    Returns:
        float32 scalar; 0 with zero gradient where none is chosen.
    """
    if isinstance(criterion, nn.CrossEntropyLoss):
        losses = cross_entropy(logits, labels, reduction="none", label_smoothing=criterion.label_smoothing)
    elif isinstance(criterion, nn.BCEWithLogitsLoss):
        losses = binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(dim=1)
    else:
        from ecgmm.models.criteria import Criterion  # only where labels may be wrong

        assert isinstance(criterion, Criterion)
        losses = criterion.of_records(logits, labels)
    return (losses * chosen).sum() / chosen.sum().clamp(min=1)


def require_same_width(ecg_encoder: EcgEncoder, text_encoder: TextEncoder) -> None:
    """Refuse encoders whose embeddings differ in width.

    Raises:
        ConfigError: If one encoder's ``dim`` is not the other's.
    """
    if ecg_encoder.dim != text_encoder.dim:
        raise ConfigError(
            f"ecg_encoder.dim={ecg_encoder.dim} and text_encoder.dim={text_encoder.dim} differ, but must be the same; "
            "set ecg_encoder.dim, which text_encoder.dim follows."
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
