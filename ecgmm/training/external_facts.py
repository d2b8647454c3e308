"""What an evaluation on another store says of that store, and of how it was brought to the model."""

from collections.abc import Sequence

import polars as pl

from ecgmm.data.batches.class_match import ClassMatch
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.leakage import SIMULATION
from ecgmm.errors import ConfigError, printable
from ecgmm.runs.configuration import EvaluationSettings
from ecgmm.runs.facts import ExternalFacts, LabelFacts, PatientFacts
from ecgmm.training.evaluation_choice import Choice


def external_facts(
    datamodule: EcgReportDataModule,
    choice: Choice,
    settings: EvaluationSettings,
    match: ClassMatch,
    patients: PatientFacts,
    frame: pl.DataFrame,
) -> ExternalFacts:
    """Gather the facts.

    Args:
        datamodule: The store with the records that take part.
        choice: What was asked for.
        settings: With which it was evaluated.
        match: The classes.
        patients: What became of patients of the run.
        frame: The predictions.
    """
    store, label_set = datamodule.store, datamodule.labels.label_set
    return ExternalFacts(
        store=store.path.resolve().name,
        source=store.manifest["source"]["name"],
        fingerprint=store.fingerprint,
        synthetic=store.manifest["text_origin"] == SIMULATION,
        split=choice.split,
        selection=settings.task.selection,
        labels=LabelFacts(
            name=label_set.name,
            source=label_set.source,
            digest=datamodule.labels.digest,
            classes=list(label_set.classes),
            dropped=left_out(datamodule, choice.splits),
        ),
        class_map=dict(choice.class_map),
        only_model=list(match.only_model),
        only_store=list(match.only_store),
        patients=patients,
        without_report=int((~frame["has_report"]).sum()),
    )


def left_out(datamodule: EcgReportDataModule, splits: Sequence[str]) -> dict[str, int]:
    """Rows of some splits that take no part, by reason."""
    in_splits = datamodule.store.records["split"].is_in(list(splits)).to_numpy()
    counts = {reason: int((rows & in_splits).sum()) for reason, rows in datamodule.targets.left_out.items()}
    for split in splits:
        for limit, count in datamodule.left_out.get(split, {}).items():
            counts[f"quality: {limit}"] = counts.get(f"quality: {limit}", 0) + count
    return {reason: count for reason, count in counts.items() if count}


def require_records(datamodule: EcgReportDataModule, choice: Choice) -> None:
    """Refuse to measure nothing.

    Raises:
        ConfigError: If no record of the splits takes part, with the reasons.
    """
    if any(len(datamodule.rows[split]) for split in choice.splits):
        return
    counts = left_out(datamodule, choice.splits)
    reasons = ", ".join(f"{count} rows: {reason}" for reason, count in counts.items())
    raise ConfigError(
        f"{printable(datamodule.store.path)} has no record of split={choice.split} ({reasons or 'it is empty'});"
        " choose another split or label set, or see to shared_patients and classes.map"
    )
