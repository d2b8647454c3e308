"""LightningDataModule of one store: its records, targets and texts, served as batches."""

from typing import Any

import lightning
import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from ecgmm.data.batches.choices import Loading, TargetChoice, TextChoice, TrainingPart
from ecgmm.data.batches.dataset import RecordDataset
from ecgmm.data.batches.loader import BatchLoader, Order, balanced, in_place, shuffled
from ecgmm.data.batches.quality_limits import QualityLimits
from ecgmm.data.batches.residency import HostWaveforms, NoWaveforms, Waveforms, place_waveforms
from ecgmm.data.batches.split_checks import check_splits
from ecgmm.data.batches.targets import make_targets
from ecgmm.data.store.measurements import interval_table
from ecgmm.data.store.splits import SPLITS, kept_for_training
from ecgmm.data.store.store import Store
from ecgmm.text.findings import findings_in
from ecgmm.text.policy import apply_policy, shuffle_reports
from ecgmm.types import PADDING_ID, UNKNOWN_ID


class EcgReportDataModule(lightning.LightningDataModule):
    """Pairs waveforms and reports of one store and serves its three splits.

    Args:
        store: An open store.
        target: What is predicted, which decides the records that take part.
        text: What of the reports is seen.
        loading: How batches are made.
        seed: Seed of batch order and of shuffled text.
        part: Part of the training patients to keep; None keeps all.
        quality: Leaves out records by their quality; None leaves out none.
        learns: Whether a model is trained with it; else a split may be empty and a class may be missing.

    Attributes:
        targets: Targets of all rows of the store.
        rows: Rows of the store that take part, by split.
        training: bool ``[N]``, rows of the training patients that are kept, with labels or without.
        left_out: Records that each quality limit left out, by split.
        held_out: Rows of the training patients that are left out.
        labelled: Rows of ``rows["train"]`` whose labels are seen.
        with_waveforms: Whether batches hold waveforms; False for a method that looks at none.
        disturbed: bool ``[N]`` or ``[N, K]`` as the targets, labels that were made wrong; None where none were.

    Raises:
        ConfigError: If a split is empty, a class has no training record, or a choice is unknown.
        DataError: If the store lacks a quality column that a limit needs.
    """

    def __init__(
        self,
        store: Store,
        target: TargetChoice,
        text: TextChoice,
        loading: Loading,
        seed: int,
        part: TrainingPart | None = None,
        quality: QualityLimits | None = None,
        learns: bool = True,
    ) -> None:
        super().__init__()
        self.store = store
        self.loading = loading
        self.seed = seed
        self.waveforms: Waveforms = HostWaveforms(store.waveforms)
        self.with_waveforms = True
        self.labels = target.labels
        self.targets = make_targets(target.labels, target.selection, target.priority, target.kind)
        if target.match is not None:
            self.targets = target.match.targets(self.targets)
        if target.modalities == "both":
            pairs = store.records.select((pl.col("report") >= 0) & pl.col("has_waveform")).to_series().to_numpy()
            self.targets = self.targets.without(~pairs, "waveform or report missing")
        self.disturbed: NDArray[np.bool_] | None = None
        if target.label_noise is not None:
            self.targets, self.disturbed = target.label_noise.disturb(self.targets, store.records, seed)
        self.intervals = interval_table(store.records)
        self.quality = quality or QualityLimits()
        self.left_out: dict[str, dict[str, int]] = {}
        part = part or TrainingPart()
        kept, ranks = kept_for_training(store.records, part.share, part.seed)
        left_out = _part_of(ranks / part.share, target.held_out)
        self.held_out = np.flatnonzero(kept & left_out & self.targets.usable)
        self.training: NDArray[np.bool_] = kept & ~left_out
        self.learns = learns
        self.splits = target.splits
        nothing = np.zeros(0, dtype=np.int64)
        self.rows = {split: self._rows_of(split) if split in self.splits else nothing for split in SPLITS}
        self.labelled, self._draws = self.rows["train"], len(self.rows["train"])
        if part.label_share is not None:
            self.labelled = self.labelled[ranks[self.labelled] < part.label_share]
            self._draws = int((store.records["split"].to_numpy() == "train")[self.targets.usable].sum())
        if learns:
            served = {split: self.labelled if split == "train" else self.rows[split] for split in self.splits}
            check_splits(served, self.targets, target.selection, self.training)
        self._prepare_text(text)

    def _rows_of(self, split: str) -> NDArray[np.int64]:
        records = self.store.records
        chosen = (records["split"] == split).to_numpy() & self.targets.usable
        if split == "train":
            chosen &= self.training
        if self.quality.chosen and split in self.quality.splits:
            chosen, self.left_out[split] = self.quality.apply(records, chosen)
        return np.flatnonzero(chosen)

    def _prepare_text(self, text: TextChoice) -> None:
        self.report_of_row = own = self.store.records["report"].to_numpy().astype(np.int64)
        if text.policy == "shuffled":
            self.report_of_row = shuffle_reports(self.report_of_row, self.store.records["split"].to_numpy(), self.seed)
        if text.at_test == "none":
            self.report_of_row = np.where(self.training & self.learns, self.report_of_row, -1)
        statements, label_set = self.store.reports["statements"].to_list(), self.labels.label_set
        reports = apply_policy(statements, text.policy, label_set.masks, label_set.phrases)
        rows = self.rows["train"][own[self.rows["train"]] >= 0]  # exchanged reports would not be of their patients
        patients = self.store.records["patient"].to_numpy()[rows]
        self.tokeniser, self.statement_vocabulary = text.vocabularies([reports[index] for index in own[rows]], patients)
        with_empty = [*reports, []]  # the last row, which report -1 picks
        self.tokens = self.tokeniser.encode_reports(with_empty, text.max_tokens)
        self.statement_ids = self.statement_vocabulary.encode(with_empty)

    @property
    def heard_tokens(self) -> frozenset[int]:
        """Token ids that the reports of training hold; an embedding of any other was never trained."""
        reports = np.unique(self.report_of_row[self.rows["train"]])
        return frozenset(np.unique(self.tokens.ids[reports]).tolist()) - {PADDING_ID, UNKNOWN_ID}

    def facts(self) -> dict[str, Any]:
        """Facts of the store and of this choice of its data, which settings refer to as ``from_data``."""
        return {
            "n_classes": len(self.targets.class_names),
            "vocabulary_size": self.tokeniser.vocabulary_size,
            "n_statements": self.statement_vocabulary.size,
            "n_findings": len(findings_in(self.statement_vocabulary.statements)),
            "rate_hz": self.store.manifest["rate_hz"],
            "lead_mean_mv": self.store.manifest["lead_mean_mv"],
            "lead_std_mv": self.store.manifest["lead_std_mv"],
        }

    def dataset(self, rows: NDArray[np.int64], targets: NDArray[Any] | None = None) -> RecordDataset:
        """Data set of some rows of the store.

        Args:
            rows: int64, rows of the store.
            targets: Targets of all rows; None for those that evaluation compares with.
        """
        waveforms = self.waveforms
        if not self.with_waveforms:
            waveforms = NoWaveforms(waveforms.n_leads, waveforms.pinned)
        return RecordDataset(
            waveforms,
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
        """Bring the waveforms of batches to where ``loading.residency`` wants them, for batches on a device.

        Raises:
            ConfigError: If they do not fit there.
        """
        rows = np.concatenate([*(self.rows[split] for split in SPLITS), self.held_out])
        residency = self.loading.residency if self.with_waveforms else "disk"  # what is not read is not copied
        self.waveforms = place_waveforms(self.store.waveforms, rows, residency, device)

    def train_dataloader(self, with_labels: bool = True) -> BatchLoader:
        """Loader of the training records, ordered by seed and epoch number alone: a resumed run sees the same batches.

        Where labels are seen of a part, an epoch has as many records as the whole training split: it repeats them, so
        that studies of fewer labels or pairs differ in records and not in steps.

        Args:
            with_labels: Whether the training may look at labels; without, balanced sampling would give them away.
        """
        rows = np.resize(self.labelled if with_labels else self.rows["train"], self._draws)
        dataset = self.dataset(rows, self.targets.training)
        order = shuffled(len(dataset), self.seed)
        if self.loading.sampling == "balanced" and with_labels:
            order = balanced(self.targets.values[rows], self.seed)
        return self._loader(dataset, order)

    def labelled_dataloader(self) -> BatchLoader:
        """Loader of the training records whose labels are seen, each once, in store order."""
        return self._in_place(self.labelled)

    def val_dataloader(self) -> BatchLoader:
        """Loader of the validation records, in store order."""
        return self.split_dataloader("val")

    def split_dataloader(self, *splits: str) -> BatchLoader:
        """Loader of the records of some splits, one split after the other, each in store order."""
        return self._in_place(np.concatenate([self.rows[split] for split in splits]))

    def held_out_dataloader(self) -> BatchLoader:
        """Loader of the training records that are left out, in store order."""
        return self._in_place(self.held_out)

    def _in_place(self, rows: NDArray[np.int64]) -> BatchLoader:
        dataset = self.dataset(rows)
        return self._loader(dataset, in_place(len(dataset)))

    def _loader(self, dataset: RecordDataset, order: Order) -> BatchLoader:
        return BatchLoader(dataset, self.loading.batch_size, order, self.loading.prefetch)

    def labelled_summary(self) -> dict[str, Any]:
        """Number of training records and patients whose labels are seen."""
        n_patients = self.store.records["patient"][self.labelled].n_unique()
        return {"split": "train", "records": len(self.labelled), "patients": n_patients}

    def summary(self) -> pl.DataFrame:
        """Number of records and patients that take part, by split."""
        patients = self.store.records["patient"].to_numpy()
        return pl.DataFrame(
            {
                "split": SPLITS,
                "records": [len(self.rows[split]) for split in SPLITS],
                "patients": [len(np.unique(patients[self.rows[split]])) for split in SPLITS],
            }
        )


def _part_of(ranks: NDArray[np.float64], part: tuple[int, int] | None) -> NDArray[np.bool_]:
    """Rows in part k of n: ranks in [0, 1), one for each patient, fall into n parts of equal width."""
    if part is None:
        return np.zeros(len(ranks), dtype=np.bool_)
    number, of = part
    return (number - 1 <= ranks * of) & (ranks * of < number)
