"""Audit of one store with one label set: its numbers, its verdicts, and the two files that keep them."""

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from ecgmm.auditing.overlap import look_up, shared_patients, shared_reports, shared_waveforms
from ecgmm.auditing.probes import Probes
from ecgmm.auditing.tables import print_audit
from ecgmm.auditing.verdicts import verdicts
from ecgmm.console.plain_console import PlainConsole
from ecgmm.data.batches.datamodule import SPLITS, EcgReportDataModule
from ecgmm.data.store.store import Store
from ecgmm.files import write_json
from ecgmm.training.run import build_datamodule

TEXT_POLICIES = ("full", "masked", "shuffled", "none")
SCHEMA_VERSION = 1
_TEXT_WIDTH = 120


def audit_store(config: DictConfig, store: Store) -> dict[str, Any]:
    """Measure how much the inputs and the splits reveal of the labels.

    Args:
        config: The composed configuration (``conf/audit.yaml``).
        store: An open store.

    Returns:
        The content of ``audit.json``; its keys are described in docs/understand/leakage.md.
    """
    datamodule = _datamodule(config, store, "full")
    probes = Probes(datamodule, config.evaluation.n_resamples, config.evaluation.seed)
    entries = probes.text(datamodule, "full")
    for policy in TEXT_POLICIES[1:]:
        entries += probes.text(_datamodule(config, store, policy), policy)
    targets, rows = datamodule.targets, datamodule.rows
    audit = {
        "schema_version": SCHEMA_VERSION,
        "store": {"name": store.path.name, "fingerprint": store.fingerprint, "split": store.manifest["split"]},
        "task": config.task.name,
        "text_origin": store.manifest["text_origin"],
        "labels": {"name": config.labels.name, **datamodule.labels.describe(store.records["split"].to_numpy())},
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


def _datamodule(config: DictConfig, store: Store, text_policy: str) -> EcgReportDataModule:
    """The data module of a training run with this text policy; every statement counts, however rare.

    The audit saves no vocabulary, so rare statements cannot leave it, and a look-up would use them.
    """
    settings = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    assert isinstance(settings, DictConfig)
    settings.merge_with({"text": {"policy": text_policy}, "train_fraction": 1.0, "batch_size": 1})
    settings.merge_with({"sampling": "uniform", "prefetch": 0, "quality": None})
    return build_datamodule(settings, store, min_patients=1)


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
