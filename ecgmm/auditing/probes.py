"""Probes: quick models that look at one input only, and the macro AUROC they reach on the test split.

Words and statements go through logistic regression on their counts, the machine's measurements through gradient
boosting (which takes missing values as they are), once more reduced to which of them are missing.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, softmax
from torch import nn

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.evaluation.bootstrap import estimates
from ecgmm.evaluation.metrics import TaskKind, make_scorer
from ecgmm.models.methods.bag_of_statements import BagOfStatements, statement_counts
from ecgmm.types import Batch

_MOST_CLASSES = 20
"""Of a multi-label set with more classes the most frequent ones are probed: one model per class takes long."""
_INVERSE_PENALTY = 1.0
_MEASUREMENT = "measurement."
Probabilities = NDArray[np.floating]


class Probes:
    """Probes of one label set, and the rows and labels that they share.

    Args:
        datamodule: Source of records, labels and splits. Only the first window of each record takes part, because
            neither text nor measurements differ between windows.
        n_resamples: Patient resamples of the intervals.
        seed: Seed of the resamples.
    """

    def __init__(self, datamodule: EcgReportDataModule, n_resamples: int, seed: int) -> None:
        records, targets = datamodule.store.records, datamodule.targets
        self.train, self.test = (
            rows[records["record"][rows].is_first_distinct().to_numpy()]
            for rows in (datamodule.rows["train"], datamodule.rows["test"])
        )
        self.labels, self.classes = targets.values, list(targets.class_names)
        self.single_label = self.labels.ndim == 1
        if not self.single_label and len(self.classes) > _MOST_CLASSES:
            often = np.sort(np.argsort(-self.labels[self.train].sum(axis=0), kind="stable")[:_MOST_CLASSES])
            self.labels, self.classes = self.labels[:, often], [self.classes[k] for k in often]
        self.records, self.n_resamples, self.seed = records, n_resamples, seed

    def text(self, datamodule: EcgReportDataModule, text_policy: str) -> list[dict[str, Any]]:
        """Probe the statements, then the words, of the reports as the data module's policy leaves them."""
        train, test = (datamodule.dataset(rows).without_waveforms() for rows in (self.train, self.test))
        n_statements, n_words = datamodule.statement_vocabulary.size, datamodule.tokeniser.vocabulary_size
        probabilities = {
            "bag_of_statements": self._from_counts(train, test, n_statements),
            "bag_of_words": self._from_counts(_words(train), _words(test), n_words),
        }
        return [self._entry(name, text_policy, values) for name, values in probabilities.items()]

    def measurements(self) -> list[dict[str, Any]]:
        """Probe the machine's measurements, and which of them are missing; nothing where the store holds none."""
        columns = [name for name in self.records.columns if name.startswith(_MEASUREMENT)]
        if not columns:
            return []
        values = self.records.select(pl.col(columns).cast(pl.Float32)).fill_null(float("nan")).to_numpy()
        inputs = {"measurements": values, "missing_measurements": np.isnan(values).astype(np.float32)}
        return [self._entry(name, None, self._from_values(features)) for name, features in inputs.items()]

    def _from_counts(self, train: Batch, test: Batch, n_ids: int) -> Probabilities:
        model = BagOfStatements(nn.CrossEntropyLoss(), len(self.classes), n_ids, _INVERSE_PENALTY)
        labels = train.labels.new_tensor(self.labels[self.train])
        model.fit(train._replace(labels=labels))
        logits = statement_counts(test.statement_ids, n_ids) @ model.weight.numpy() + model.bias.numpy()
        return np.asarray(softmax(logits, axis=1) if self.single_label else expit(logits))

    def _from_values(self, features: NDArray[np.float32]) -> Probabilities:
        from sklearn.ensemble import HistGradientBoostingClassifier

        def probabilities(labels: NDArray[Any]) -> Probabilities:
            model = HistGradientBoostingClassifier(random_state=0).fit(features[self.train], labels[self.train])
            return np.asarray(model.predict_proba(features[self.test]))

        if self.single_label:
            return probabilities(self.labels)
        return np.stack([probabilities(one)[:, 1] for one in (self.labels > 0).T], axis=1)

    def _entry(self, name: str, text_policy: str | None, probabilities: Probabilities) -> dict[str, Any]:
        """Macro AUROC with its patient-bootstrap interval, and the AUROC of each class; None where undefined."""
        labels, patients = self.labels[self.test], self.records["patient"].to_numpy()[self.test]
        thresholds = None if self.single_label else np.full(len(self.classes), 0.5)
        task: TaskKind = "single_label" if self.single_label else "multi_label"
        scorer = make_scorer(labels, probabilities, self.classes, task, thresholds)
        areas = {
            key: _json(asdict(estimate))
            for key, estimate in estimates(scorer, patients, self.n_resamples, self.seed).items()
            if key.startswith("auroc")
        }
        per_class = {one: areas[f"auroc/{one}"]["value"] for one in self.classes}
        return {"input": name, "text_policy": text_policy, "auroc_macro": areas["auroc_macro"], "auroc": per_class}


def _words(batch: Batch) -> Batch:
    """The batch with its words in place of its statements."""
    return batch._replace(statement_ids=batch.token_ids)


def _json(values: dict[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
