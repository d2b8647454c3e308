"""Open a finished run and the records that its saved model meets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ecgmm.building import construct
from ecgmm.data.batches.choices import Loading, TargetChoice, TextChoice
from ecgmm.data.batches.class_match import ClassMatch
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.sources.leakage import Origins, origins_of, refuse_leak
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside
from ecgmm.runs.configuration import CONFIG, EvaluationSettings, read_config, read_evaluation_settings
from ecgmm.runs.facts import RUN, PatientFacts, RunFacts, read_facts
from ecgmm.runs.loading import SavedModel, load_model
from ecgmm.runs.metrics import Metrics, read_metrics
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.runs.store_of_run import find_store
from ecgmm.signal.only_leads import OnlyLeads
from ecgmm.training.evaluation_choice import ALL, Choice
from ecgmm.training.external_facts import require_records
from ecgmm.training.other_store import OtherStore, check_signal, open_other
from ecgmm.training.shared_patients import find_shared, refuse_shared
from ecgmm.training.task import DiagnosisTask


class Served(NamedTuple):
    """A finished run and the records that it is evaluated on.

    Attributes:
        model: Its saved model.
        facts: ``run.json``.
        trained: ``metrics.json``.
        settings: Settings of the run, changed as chosen.
        store: The store of the records.
        origins: Where labels and text come from.
        match: Brings the classes of the labels to the model's.
        datamodule: Serves the records.
        patients: What was found of patients of the run's training.
        shared: Bool ``[N]``, rows of the store that are of such patients, as far as they were looked for.
    """

    model: SavedModel
    facts: RunFacts
    trained: Metrics
    settings: EvaluationSettings
    store: Store
    origins: Origins
    match: ClassMatch
    datamodule: EcgReportDataModule
    patients: PatientFacts
    shared: NDArray[np.bool_]

    @property
    def columns(self) -> list[int]:
        """Columns of the model's logits that are classes of the labels."""
        return [self.facts.labels.classes.index(name) for name in self.match.common]

    def measured_rows(self, choice: Choice) -> NDArray[np.int64]:
        """Rows of the store that are measured, in its order."""
        return np.sort(np.concatenate([self.datamodule.rows[split] for split in choice.splits]))


def serve(run: Path, other: OtherStore, choice: Choice, stores: Path) -> Served:
    """Open a finished run and the records that it is evaluated on; see ``evaluate_run``."""
    model = load_model(run)
    facts = _facts_of(run, model.facts)
    trained = read_metrics(run, facts)
    config = read_config(run, facts.files)
    settings = choice.settings(read_evaluation_settings(config, inside(run, CONFIG)), facts.task)
    own = config["labels"] if choice.label_settings is None else choice.label_settings
    store, label_settings = open_other(other, model.facts.store, facts.data.fingerprint, config["data"], own, stores)
    is_own = store.fingerprint == facts.data.fingerprint
    labels = _labels_of(model.facts, store, choice.labels, label_settings)
    if is_own and choice.takes_own_labels:
        _check_same_labels(facts, labels, store)
    match = ClassMatch.of(labels.label_set.answers(settings.task.selection), facts.labels.classes, choice.class_map)
    match.require(2 if facts.task == "single_label" else 1)
    policy, inputs = model.facts.text_policy, facts.inputs_at_test
    origins = origins_of(store.manifest["text_origin"], labels.label_set, policy, inputs)
    refuse_leak(origins, choice.allow_leaky)
    datamodule = data_for(model, store, labels, settings, settings.batch_size, match)
    patients, shared = PatientFacts(ids_compared=True, contents_compared=True), np.zeros(len(store.records), bool)
    if not is_own or choice.split == ALL:
        known = store if is_own else find_store(facts.data.fingerprint, stores)
        patients, shared = _leave_out_shared(datamodule, known, facts, choice)
    require_records(datamodule, choice)
    return Served(model, facts, trained, settings, store, origins, match, datamodule, patients, shared)


def labels_for(
    facts: ModelFacts, store: Store, data: Mapping[str, Any], labels: Mapping[str, Any], selection: str
) -> LabelTable:
    """Open the labels of a store that has the very classes of a model.

    Args:
        facts: Of the model.
        store: An open store.
        data: Settings ``data`` of the run.
        labels: Settings ``labels`` of the run.
        selection: See ``TargetChoice``.

    Raises:
        ConfigError: If the store's classes, rate or window are not the model's.
    """
    table = open_labels(store, facts.labels, construct(data).label_settings_with(labels))
    classes = list(table.label_set.answers(selection))
    if classes != facts.class_names:
        raise ConfigError(
            f"{store.path} has {facts.labels} classes {classes} and the model was trained for"
            f" {facts.class_names}; take a store with the same label set"
        )
    check_signal(facts.store, store)
    return table


def data_for(
    model: SavedModel,
    store: Store,
    labels: LabelTable,
    settings: EvaluationSettings,
    batch_size: int,
    match: ClassMatch | None = None,
) -> EcgReportDataModule:
    """Serve a store to a saved model, which from then on takes waveforms in the steps of this store.

    Args:
        model: The model.
        store: An open store.
        labels: As ``labels_for`` opens them.
        settings: Settings of the run.
        batch_size: Records in a batch.
        match: Brings the classes of the labels to the model's; None where they are the same.
    """
    model.preparation.mv_per_step = store.manifest["uv_per_step"] / 1000
    datamodule = EcgReportDataModule(
        store,
        TargetChoice(
            labels,
            settings.task.selection,
            settings.labels.priority,
            match=match,
            modalities=settings.task.modalities,
        ),
        TextChoice(
            model.facts.text_policy,
            model.facts.max_tokens,
            lambda *_: (model.tokeniser, model.statements),
            model.facts.text_at_test,
        ),
        Loading(batch_size, prefetch=settings.prefetch),
        settings.seed,
        quality=None if settings.quality is None else construct(settings.quality),
        learns=False,
    )
    datamodule.with_waveforms = model.method.looks_at_waveforms
    return datamodule


def task_of(
    model: SavedModel,
    datamodule: EcgReportDataModule,
    settings: EvaluationSettings,
    choice: Choice,
    columns: Sequence[int],
) -> DiagnosisTask:
    """The task that predicts the classes at ``columns`` of the model's with the chosen leads."""
    shown = model.preparation if choice.leads is None else nn.Sequential(OnlyLeads(choice.leads), model.preparation)
    classes, name = datamodule.targets.class_names, model.facts.task
    some = None if len(columns) == len(model.facts.class_names) else columns
    return DiagnosisTask(model.method, shown, None, torch.optim.AdamW, 0.0, classes, name, settings.seed, some)


def _leave_out_shared(
    datamodule: EcgReportDataModule, known: Store | None, facts: RunFacts, choice: Choice
) -> tuple[PatientFacts, NDArray[np.bool_]]:
    """Find patients of the run among the records that would be measured; refuse or drop them, as chosen."""
    store, rows = datamodule.store, datamodule.rows
    shared, found = find_shared(known, facts.train_fraction, store, facts.fraction_seed)
    measured = np.zeros(len(shared), bool)
    measured[np.concatenate([rows[split] for split in choice.splits])] = True
    if choice.shared_patients == "refuse":
        refuse_shared(store, shared & measured, store is known)
    datamodule.rows = {split: chosen[~shared[chosen]] for split, chosen in rows.items()}
    n_patients = store.records.filter(shared & measured)["patient"].n_unique()
    counts = {"dropped_patients": n_patients, "dropped_records": int((shared & measured).sum())}
    return found.model_copy(update=counts), shared


def _labels_of(facts: ModelFacts, store: Store, name: str | None, settings: LabelSettings) -> LabelTable:
    """Labels of a store; of another set than the model's, masked text hides what gives away either."""
    labels = open_labels(store, name or facts.labels, settings)
    if name in (None, facts.labels):
        return labels
    masks = tuple(dict.fromkeys((*labels.label_set.masks, *definition_of(facts.labels).masks)))
    phrases = tuple(dict.fromkeys((*labels.label_set.phrases, *facts.masked_phrases)))
    return replace(labels, label_set=replace(labels.label_set, masks=masks, phrases=phrases))


def _check_same_labels(facts: RunFacts, labels: LabelTable, store: Store) -> None:
    """Refuse labels of the run's own store that are others than it was trained with.

    Raises:
        ConfigError: If rules, settings or the file of the labels have changed since.
    """
    known = facts.labels.digest  # runs of earlier versions have none
    if known and known != labels.digest:
        raise ConfigError(
            f"labels={facts.labels.name} of {printable(store.path)} are made by other rules or settings, or from"
            f" another file, than those that the run was trained with ({labels.digest} and {printable(known, 12)});"
            " train the run again with overwrite=true, or evaluate it with the version of ecgmm that trained it"
        )


def _facts_of(run: Path, model: ModelFacts) -> RunFacts:
    """``run.json`` of a finished run, of the same task and classes as its model.

    Raises:
        DataError: If it cannot be used, or contradicts the model.
    """
    facts = read_facts(run)
    if facts is None:
        raise DataError(f"{printable(run)} holds an unfinished run; train it to its end first")
    if (facts.task, facts.labels.classes) != (model.task, model.class_names):
        raise DataError(f"{printable(run)} has another task or other classes in {RUN} than in its model; {CURE}")
    return facts
