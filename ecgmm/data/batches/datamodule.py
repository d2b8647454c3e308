"""The LightningDataModule: an open store plus a task, a text policy and a training fraction, served as batches."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import lightning
import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.data.batches.loader import SAMPLINGS, BatchLoader, Order, balanced, in_place, shuffled
from ecgmm.data.batches.quality_limits import QualityLimits
from ecgmm.data.batches.residency import RESIDENCIES, HostWaveforms, Waveforms, place_waveforms
from ecgmm.data.batches.split_checks import check_splits
from ecgmm.data.batches.targets import make_targets
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.store.measurements import interval_table
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.text.assemble import ReportTable
from ecgmm.text.findings import findings_in
from ecgmm.text.policy import apply_policy, shuffle_reports
from ecgmm.text.tokenise import StatementVocabulary

SPLITS = ("train", "val", "test")


class ReportTokeniser(Protocol):
    """What the data module needs of a tokeniser."""

    vocabulary_size: int

    def encode_reports(self, reports: Sequence[Sequence[str]], max_tokens: int) -> ReportTable:
        """Token ids of every report, padded."""

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""

    def count_unknown(self, statements: Sequence[str]) -> tuple[int, int]:
        """How many words of some cleaned statements the vocabulary lacks, and how many they have."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids."""

    def save(self, path: Path) -> None:
        """Write what is needed to load the tokeniser again."""


Reports = Sequence[Sequence[str]]
VocabularyMaker = Callable[[Reports, NDArray[Any]], tuple[ReportTokeniser, StatementVocabulary]]
"""Makes the vocabularies from the training reports and the patient of each."""


class EcgReportDataModule(lightning.LightningDataModule):
    """Pairs waveforms and reports of one store and serves its three splits.

    Args:
        store: An open store.
        labels: Labels of the store's rows.
        selection: See ``make_targets``.
        priority: See ``make_targets``.
        train_fraction: Part of the training patients to keep, in (0, 1]; fractions are nested.
        text_policy: ``full``, ``masked``, ``none`` or ``shuffled``.
        vocabularies: Makes tokeniser and statement vocabulary from the training reports and the patient of each (or
            brings saved ones).
        max_tokens: Longest report in tokens.
        batch_size: Records in a batch.
        seed: Seed of batch order and of shuffled text.
        targets: ``hard`` or ``soft``, see ``make_targets``; soft ones reach gradient training only.
        sampling: ``uniform`` or ``balanced``, see ``loader``; reaches gradient training with labels only.
        prefetch: Batches made ahead, see ``BatchLoader``.
        residency: ``disk``, ``memory`` or ``gpu``; takes effect with ``place``.
        quality: Leaves out records by their quality; None leaves out none.

    Attributes:
        left_out: Records that each quality limit left out, by split.

    Raises:
        ConfigError: If a split is empty, a class has no training record, or a choice is unknown.
        DataError: If the store lacks a quality column that a limit needs.
    """

    def __init__(
        self,
        store: Store,
        labels: LabelTable,
        selection: str,
        priority: Sequence[str],
        train_fraction: float,
        text_policy: str,
        vocabularies: VocabularyMaker,
        max_tokens: int,
        batch_size: int,
        seed: int,
        targets: str = "hard",
        sampling: str = "uniform",
        prefetch: int = 0,
        residency: str = "disk",
        quality: QualityLimits | None = None,
    ) -> None:
        super().__init__()
        for key, value, choices in (("sampling", sampling, SAMPLINGS), ("data.residency", residency, RESIDENCIES)):
            if value not in choices:
                raise ConfigError(f"{key} is {value!r}; choose one of {', '.join(choices)}")
        if not 0 < train_fraction <= 1:
            raise ConfigError(f"train_fraction is {train_fraction}; it must be in (0, 1]")
        self.store = store
        self.batch_size = batch_size
        self.seed = seed
        self.sampling = sampling
        self.prefetch = prefetch
        self.residency = residency
        self.waveforms: Waveforms = HostWaveforms(store.waveforms)
        self.labels = labels
        self.targets = make_targets(labels, selection, priority, targets)
        self.intervals = interval_table(store.records)
        self.quality = quality or QualityLimits()
        self.left_out: dict[str, dict[str, int]] = {}
        self.rows = {split: self._rows_of(split, train_fraction) for split in SPLITS}
        check_splits(self.rows, self.targets, selection, self._is_training(train_fraction))
        self._prepare_text(text_policy, vocabularies, max_tokens)

    def _rows_of(self, split: str, train_fraction: float) -> NDArray[np.int64]:
        records = self.store.records
        chosen = (records["split"] == split).to_numpy() & self.targets.usable
        if split == "train":
            chosen &= self._is_training(train_fraction)
        if self.quality.chosen and split in self.quality.splits:
            chosen, self.left_out[split] = self.quality.apply(records, chosen)
        return np.flatnonzero(chosen)

    def _is_training(self, train_fraction: float) -> NDArray[np.bool_]:
        """Bool ``[N]``: rows of the training patients that are kept, with labels or without."""
        records = self.store.records
        return ((records["split"] == "train") & (records["fraction_rank"] < train_fraction)).to_numpy()

    def _prepare_text(self, policy: str, vocabularies: VocabularyMaker, max_tokens: int) -> None:
        self.report_of_row = own = self.store.records["report"].to_numpy().astype(np.int64)
        if policy == "shuffled":
            self.report_of_row = shuffle_reports(self.report_of_row, self.store.records["split"].to_numpy(), self.seed)
        reports = apply_policy(self.store.reports["statements"].to_list(), policy, self.labels.label_set.masks)
        rows = self.rows["train"][own[self.rows["train"]] >= 0]  # exchanged reports would not be of their patients
        patients = self.store.records["patient"].to_numpy()[rows]
        self.tokeniser, self.statement_vocabulary = vocabularies([reports[index] for index in own[rows]], patients)
        with_empty = [*reports, []]  # the last row, which report -1 picks
        self.tokens = self.tokeniser.encode_reports(with_empty, max_tokens)
        self.statement_ids = self.statement_vocabulary.encode(with_empty)

    def facts(self) -> dict[str, Any]:
        """Numbers that the configuration refers to as ``from_data``."""
        return {
            "n_classes": len(self.targets.class_names),
            "vocabulary_size": self.tokeniser.vocabulary_size,
            "n_statements": self.statement_vocabulary.size,
            "n_findings": len(findings_in(self.statement_vocabulary.statements)),
            "rate_hz": self.store.manifest["rate_hz"],
            "lead_std_mv": self.store.manifest["lead_std_mv"],
        }

    def dataset(self, rows: NDArray[np.int64], targets: NDArray[Any] | None = None) -> RecordDataset:
        """The given store rows as a data set, with the labels that evaluation compares with or other ``targets``."""
        return RecordDataset(
            self.waveforms,
            rows,
            self.store.records["has_waveform"].to_numpy(),
            self.report_of_row,
            self.tokens.ids,
            self.tokens.lengths,
            self.statement_ids,
            self.targets.values if targets is None else targets,
            self.intervals,
        )

    def place(self, device: torch.device) -> None:
        """Bring the waveforms to where ``residency`` wants them, for batches on a device.

        Raises:
            ConfigError: If they do not fit there.
        """
        rows = np.concatenate([self.rows[split] for split in SPLITS])
        self.waveforms = place_waveforms(self.store.waveforms, rows, self.residency, device)

    def train_dataloader(self, with_labels: bool = True) -> BatchLoader:
        """Training records, ordered by seed and epoch number only, so that a resumed run sees the same batches.

        Args:
            with_labels: Whether the training may look at labels; without, balanced sampling would give them away.
        """
        dataset = self.dataset(self.rows["train"], self.targets.training)
        order = shuffled(len(dataset), self.seed)
        if self.sampling == "balanced" and with_labels:
            order = balanced(self.targets.values[self.rows["train"]], self.seed)
        return self._loader(dataset, order)

    def val_dataloader(self) -> BatchLoader:
        """Validation records in store order."""
        return self.split_dataloader("val")

    def split_dataloader(self, *splits: str) -> BatchLoader:
        """Records of the splits, one after the other, each in store order."""
        dataset = self.dataset(np.concatenate([self.rows[split] for split in splits]))
        return self._loader(dataset, in_place(len(dataset)))

    def _loader(self, dataset: RecordDataset, order: Order) -> BatchLoader:
        return BatchLoader(dataset, self.batch_size, order, self.prefetch)

    def summary(self) -> pl.DataFrame:
        """Records and patients of each split that take part."""
        patients = self.store.records["patient"].to_numpy()
        return pl.DataFrame(
            {
                "split": SPLITS,
                "records": [len(self.rows[split]) for split in SPLITS],
                "patients": [len(np.unique(patients[self.rows[split]])) for split in SPLITS],
            }
        )
