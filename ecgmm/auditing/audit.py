"""Audit of one store with one label set: its numbers, its verdicts, and the two files that keep them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ecgmm.auditing.overlap import look_up, shared_patients, shared_reports, shared_waveforms
from ecgmm.auditing.probes import Probes
from ecgmm.auditing.tables import print_audit
from ecgmm.auditing.verdicts import verdicts
from ecgmm.console.plain_console import PlainConsole
from ecgmm.data.batches.choices import Loading, TargetChoice
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import Store
from ecgmm.files import write_json
from ecgmm.training.build import text_choice

TEXT_POLICIES = ("full", "masked", "shuffled", "none")
SCHEMA_VERSION = 1
_TEXT_WIDTH = 120


def audit_store(
    store: Store,
    labels: LabelTable,
    priority: Sequence[str],
    task: Mapping[str, Any],
    text: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Measure how much the inputs and the splits reveal of the labels.

    Args:
        store: An open store.
        labels: Labels of its rows.
        priority: Order of the classes, see ``TargetChoice``.
        task: The setting ``task``.
        text: The setting ``text``, whose policy is not looked at: all are audited.
        evaluation: The setting ``evaluation``.
        seed: Seed of shuffled text.

    Returns:
        The content of ``audit.json``; its keys are described in docs/understand/leakage.md.
    """
    target = TargetChoice(labels, task["selection"], priority, task["targets"])

    def with_text(policy: str) -> EcgReportDataModule:
        """Data module of a training run with this policy; every statement counts, however rare.

        The audit saves no vocabulary, so rare statements cannot leave it, and a look-up would use them.
        """
        described = [one for texts in labels.label_set.described.values() for one in texts]
        shown = text_choice({**text, "policy": policy}, min_patients=1, described=described)
        return EcgReportDataModule(store, target, shown, Loading(batch_size=1), seed)

    datamodule = with_text("full")
    probes = Probes(datamodule, evaluation["n_resamples"], evaluation["seed"])
    entries = probes.text(datamodule, "full")
    hides_something = bool(labels.label_set.masks or labels.label_set.phrases)
    for policy in TEXT_POLICIES[1:]:
        if policy != "masked" or hides_something:
            entries += probes.text(with_text(policy), policy)
    targets, rows = datamodule.targets, datamodule.rows
    audit = {
        "schema_version": SCHEMA_VERSION,
        "store": {"name": store.path.name, "fingerprint": store.fingerprint, "split": store.manifest["split"]},
        "task": task["name"],
        "text_origin": store.manifest["text_origin"],
        "labels": {"name": labels.label_set.name, **labels.describe(store.records["split"].to_numpy())},
        "records": datamodule.summary().to_dicts(),
        "classes": _class_counts(datamodule),
        "dropped": targets.dropped,
        "patients": shared_patients(store.records),
        "waveforms": shared_waveforms(store),
        "reports": shared_reports(store.records),
        "look_up": look_up(datamodule.report_of_row, targets.values, rows["train"], rows["test"]),
        "probes": entries + probes.measurements(),
    }
    return {**audit, "verdicts": [asdict(verdict) for verdict in verdicts(audit)]}


def _class_counts(datamodule: EcgReportDataModule) -> dict[str, dict[str, int]]:
    """Rows of each class in each split; in a multi-label task a row counts for each of its classes."""
    targets = datamodule.targets
    n_classes = len(targets.class_names)
    values = targets.values if targets.values.ndim == 2 else np.eye(n_classes)[targets.values]
    sums = {split: (values[datamodule.rows[split]] > 0).sum(axis=0) for split in SPLITS}
    return {name: {split: int(sums[split][k]) for split in SPLITS} for k, name in enumerate(targets.class_names)}


def save_audit(audit: dict[str, Any], folder: Path) -> None:
    """Write ``audit.json``, and what ``print_audit`` prints as ``audit.txt``; an earlier audit is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "audit.json", audit)
    text = io.StringIO()
    print_audit(audit, PlainConsole(file=text, width=_TEXT_WIDTH))
    (folder / "audit.txt").write_text(text.getvalue(), encoding="utf-8")
