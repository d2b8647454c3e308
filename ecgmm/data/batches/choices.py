"""Choices of a data module, each a group of settings that belong together: targets, text, loading."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from ecgmm.data.batches.loader import SAMPLINGS
from ecgmm.data.batches.residency import RESIDENCIES
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.store.splits import SPLITS
from ecgmm.errors import ConfigError
from ecgmm.text.assemble import ReportTable
from ecgmm.text.coded import Reports
from ecgmm.text.tokenise import StatementVocabulary

if TYPE_CHECKING:
    from ecgmm.data.batches.class_match import ClassMatch
    from ecgmm.data.batches.label_noise import LabelNoise


class ReportTokeniser(Protocol):
    """Tokeniser of reports, as the data module needs it."""

    vocabulary_size: int

    @property
    def words(self) -> dict[str, int]:
        """Id of each word or token."""

    def encode_reports(self, reports: Reports, max_tokens: int) -> ReportTable:
        """Token ids of every report, padded."""

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""

    def count_unknown(self, statements: Sequence[str]) -> tuple[int, int]:
        """Number of words of cleaned statements that the vocabulary lacks, and number of all their words."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids."""

    def save(self, path: Path) -> None:
        """Write what is needed to load the tokeniser again."""


Vocabularies = Callable[[Reports, NDArray[Any]], tuple[ReportTokeniser, StatementVocabulary]]
"""Function that makes tokeniser and statement vocabulary from the training reports and the patient of each.

A saved pair is a function that ignores both."""


@dataclass(frozen=True)
class TargetChoice:
    """Choice of what is predicted, and so of the records that take part; see ``make_targets``.

    Attributes:
        labels: Labels of the store's rows.
        selection: ``exactly_one``, ``priority`` or ``all``.
        priority: Order of the classes for ``priority``.
        kind: ``hard`` or ``soft`` (setting ``task.targets``); soft targets reach gradient training only.
        match: Brings the classes of the labels to those of a model that was trained for others.
        label_noise: Makes labels of training and validation wrong; None leaves them.
        modalities: ``any`` or ``both``: whether records that lack waveform or report take part.
        held_out: Part k of n of the training patients that is predicted and not learnt from; None is no part.
        splits: Splits whose records take part; a record of another one is never looked at.
    """

    labels: LabelTable
    selection: str
    priority: Sequence[str]
    kind: str = "hard"
    match: "ClassMatch | None" = None
    label_noise: "LabelNoise | None" = None
    modalities: str = "any"
    held_out: tuple[int, int] | None = None
    splits: tuple[str, ...] = SPLITS


@dataclass(frozen=True)
class TextChoice:
    """Choice of what of a report is seen, and in which vocabulary.

    Attributes:
        policy: ``full``, ``masked``, ``none`` or ``shuffled``.
        max_tokens: Longest report in tokens.
        vocabularies: See ``Vocabularies``.
        at_test: ``report`` shows it to predictions too, ``none`` to training alone.
    """

    policy: str
    max_tokens: int
    vocabularies: Vocabularies
    at_test: str = "report"


@dataclass(frozen=True)
class TrainingPart:
    """Choice of the part of the training patients that a run learns from; smaller parts lie within larger ones.

    Attributes:
        share: In (0, 1].
        seed: Draws the patients; None takes those that the store ranks first.
        label_share: Share of the training patients whose labels are seen, at most ``share``; None sees all that take
            part.

    Raises:
        ConfigError: If the share is none.
    """

    share: float = 1.0
    seed: int | None = None
    label_share: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ConfigError(f"train_fraction is {self.share}; it must be in (0, 1]")


@dataclass(frozen=True)
class Loading:
    """How batches are made; except for ``batch_size`` and ``sampling`` they are the same however they are made.

    Attributes:
        batch_size: Records in a batch.
        sampling: ``uniform`` or ``balanced``, see ``loader``; reaches gradient training with labels only.
        prefetch: Batches made ahead, see ``BatchLoader``.
        residency: ``disk``, ``memory`` or ``gpu``; takes effect with ``EcgReportDataModule.place``.

    Raises:
        ConfigError: If a choice is unknown.
    """

    batch_size: int
    sampling: str = "uniform"
    prefetch: int = 0
    residency: str = "disk"

    def __post_init__(self) -> None:
        for key, value, choices in (
            ("sampling", self.sampling, SAMPLINGS),
            ("data.residency", self.residency, RESIDENCIES),
        ):
            if value not in choices:
                raise ConfigError(f"{key} is {value!r}; choose one of {', '.join(choices)}")
