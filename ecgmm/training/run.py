"""One training run from an open store to a finished run directory."""

import logging
import resource
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import lightning
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from ecgmm.building import construct
from ecgmm.dashboard.dashboard import Dashboard, log_results, open_dashboard
from ecgmm.data.batches.datamodule import EcgReportDataModule, Reports, ReportTokeniser
from ecgmm.data.batches.split_checks import require_both_answers
from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.leakage import SIMULATION, origins, refuse_leak, shown_readouts
from ecgmm.data.store.store import Store
from ecgmm.files import write_json
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.directory import config_digest, finish_run, open_run, run_state
from ecgmm.runs.facts import METRICS, SCHEMA_VERSION, read_metrics, read_state
from ecgmm.runs.predictions import write_predictions
from ecgmm.runs.provenance import environment
from ecgmm.runs.saved_model import MODEL
from ecgmm.text.closed import known_statements
from ecgmm.text.rarity import MIN_PATIENTS
from ecgmm.text.tokenise import StatementVocabulary
from ecgmm.training.artefact import build_method, build_preparation, save_model
from ecgmm.training.compiling import compile_encoder
from ecgmm.training.learning import build_trainers, learn, precision_of, stages_of
from ecgmm.training.lightning.processes import is_first_process, wait_until
from ecgmm.training.predictions import (
    evaluate,
    fit_on_validation,
    readouts_in,
    refuse_not_finite,
    with_origins,
    without_readouts,
)
from ecgmm.training.readouts import LABEL_FREE
from ecgmm.training.summary import left_out_lines
from ecgmm.training.task import DiagnosisTask

log = logging.getLogger(__name__)
for part in ("pytorch", "fabric"):  # its import sets INFO: devices, tips, advertisement
    logging.getLogger(f"lightning.{part}").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", message=r".*Checkpoint directory .* exists and is not empty")  # so it is on a resume
# Lightning 2.6 with the pytree of torch 2.13: a deprecation that only Lightning can mend.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")

# Every process logs the same numbers, of all records: there is nothing to take a mean of.
warnings.filterwarnings("ignore", message=r"`broadcast_buffers` is deprecated")  # by a name that torch 2.9 lacks
warnings.filterwarnings("ignore", message=r"It is recommended to use `self.log\(.*sync_dist=True\)`")

# A run without text has no findings, and so a head without outputs.
warnings.filterwarnings("ignore", message=r"Initializing zero-element tensors is a no-op")


def run_training(config: DictConfig, store: Store, directory: Path) -> dict[str, Any]:
    """Train, evaluate and save one run; does nothing if the directory already holds the same finished run.

    Args:
        config: The composed configuration (``conf/train.yaml``).
        store: An open store.
        directory: The run directory.

    Returns:
        The content of ``metrics.json``; nothing in processes beside the first, which write nothing.
    """
    started = time.monotonic()
    datamodule = build_datamodule(config, store)
    targets = datamodule.targets
    require_both_answers(targets.values[datamodule.rows["test"]], "test", targets.class_names)
    config.from_data = datamodule.facts()
    resolved = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    if run_state(directory, config_digest(resolved, store.fingerprint), config.overwrite) == "finished":
        log.info("%s is finished already", directory)  # before the method is built, which may take long
        return read_metrics(directory, read_state(directory) or {})
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    method = build_method(resolved, build_texts(config, datamodule))
    found = origins_of(resolved, store, datamodule.labels.label_set, method)
    readouts = readouts_of(resolved, method, found)
    task = build_task(config, datamodule, method)
    trainers = build_trainers(config, directory, method)
    facts = describe(resolved, datamodule, method, found, readouts)
    if not is_first_process():
        wait_until(lambda: run_state(directory, facts["config_digest"]) in ("interrupted", "finished"))
        for stage in trainers:
            stage.trainer.logger = Dashboard()
        learn(trainers, task, datamodule, directory)
        return {}
    for line in left_out_lines(datamodule.left_out):
        log.info(line)
    state = open_run(directory, resolved, facts, config.overwrite)
    log.info("%s (%s)", directory, "going on where it stopped" if state == "interrupted" else "new")

    with open_dashboard(directory, resolved, facts) as dashboard:
        for stage in trainers:
            stage.trainer.logger = dashboard
        frame, seconds_per_epoch = learn(trainers, task, datamodule, directory)
        refused = [name for name in readouts_in(frame) if name not in facts["readouts"]]
        frame = without_readouts(frame, refused)
        refuse_not_finite(frame, "train with a lower optimizer.lr")
        write_predictions(directory, frame)
        fitted = fit_on_validation(frame, task.class_names, task.task_name)
        metrics = evaluate(frame, task.class_names, task.task_name, fitted, **resolved["evaluation"])
        metrics = with_origins(metrics, found, readouts)
        save_model(directory / MODEL, task, datamodule, resolved)
        write_json(directory / METRICS, metrics)
        measured = {
            "seconds_per_epoch": seconds_per_epoch,
            "wall_time_s": round(time.monotonic() - started, 1),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # of the whole process
        }
        done = {**facts, **environment(), **measured, "finished": True}
        log_results(dashboard, directory, frame, metrics, done, store.manifest, config.logger.artifacts)
    finish_run(directory, done)
    return metrics


def build_datamodule(config: DictConfig, store: Store, min_patients: int = MIN_PATIENTS) -> EcgReportDataModule:
    """Build the data module that a configuration asks for, with vocabularies from its training reports."""
    configured = construct(config.text.tokeniser)

    closed = config.text.get("vocabulary") == "closed"  # runs from before this setting lack it

    def vocabularies(reports: Reports, patients: NDArray[Any]) -> tuple[ReportTokeniser, StatementVocabulary]:
        ready = not callable(configured)  # or to be learned from the reports
        tokeniser = configured if ready else configured(reports, patients, closed=closed, min_patients=min_patients)
        known = StatementVocabulary(known_statements()) if closed else None
        return tokeniser, known or StatementVocabulary.train(reports, patients, min_patients)

    return EcgReportDataModule(
        store,
        labels=open_labels(store, config.labels.name, construct(config.data).label_settings),
        selection=config.task.selection,
        priority=list(config.labels.priority),
        train_fraction=config.train_fraction,
        text_policy=config.text.policy,
        vocabularies=vocabularies,
        max_tokens=config.text.max_tokens,
        batch_size=config.batch_size,
        seed=config.seed,
        targets=config.task.targets,
        sampling=config.sampling,
        prefetch=config.prefetch,
        residency=config.data.residency,
        quality=None if config.quality is None else construct(config.quality),
    )


def build_texts(config: DictConfig, datamodule: EcgReportDataModule) -> TextBank:
    """The words that a method is bound to."""
    statements = datamodule.statement_vocabulary.statements
    return TextBank(datamodule.targets.class_names, statements, datamodule.tokeniser, config.text.max_tokens)


def origins_of(resolved: Mapping[str, Any], store: Store, labels: LabelSet, method: Method) -> dict[str, Any]:
    """Where the run's labels and text come from, if that is permitted.

    Raises:
        ConfigError: If it leaks and ``allow_leaky`` is false.
    """
    found = origins(store.manifest["text_origin"], labels, resolved["text"]["policy"], method.inputs_at_test)
    refuse_leak(found, resolved["allow_leaky"])
    return found


def readouts_of(resolved: Mapping[str, Any], method: Method, found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Origins of each readout that the run may show; one that leaks needs ``allow_leaky``."""
    label_free = LABEL_FREE if "pretrain" in stages_of(method, resolved["stages"]) else {}
    return shown_readouts(found, method.readouts | label_free, resolved["allow_leaky"])


def build_task(config: DictConfig, datamodule: EcgReportDataModule, method: Method) -> DiagnosisTask:
    """Put method, preparation, augmentation and optimizer together.

    Raises:
        ConfigError: If ``compile=true`` and the method has nothing to compile.
    """
    if config.compile:
        compile_encoder(method)
    return DiagnosisTask(
        method,
        build_preparation(datamodule.store.manifest, config.waveform),
        None if config.augmentation is None else construct(config.augmentation),
        construct(config.optimizer),
        config.warmup_fraction,
        datamodule.targets.class_names,
        config.task.name,
        config.seed,
    )


def describe(
    resolved: dict[str, Any],
    datamodule: EcgReportDataModule,
    method: Method,
    found: dict[str, Any],
    readouts: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """What ``run.json`` says before training has begun."""
    manifest = datamodule.store.manifest
    splits = datamodule.summary().to_dicts()
    return {
        "schema_version": SCHEMA_VERSION,
        "config_digest": config_digest(resolved, datamodule.store.fingerprint),
        "method": method.name,
        "inputs_at_test": list(method.inputs_at_test),
        "reference": method.reference,
        "fidelity": method.fidelity,
        "recipe": resolved["recipe"],
        "seed": resolved["seed"],
        "task": resolved["task"]["name"],
        "targets": resolved["task"]["targets"],
        "train_fraction": resolved["train_fraction"],
        "labels": {
            "name": datamodule.labels.label_set.name,
            "source": datamodule.labels.label_set.source,
            "digest": datamodule.labels.digest,
            "classes": list(datamodule.targets.class_names),
            "dropped": datamodule.targets.dropped,
        },
        "text_policy": resolved["text"]["policy"],
        "sampling": resolved["sampling"],
        "quality": {"limits": datamodule.quality.chosen, "left_out": datamodule.left_out},
        "text_origin": found["text_origin"],
        "leaky": found["leaky"],
        "size": resolved["size"],
        "ablation": resolved["ablation"],
        "stages": resolved["stages"],
        "two_stages": method.two_stages,
        "readouts": {
            name: {"inputs_at_test": one["inputs_at_test"], "leaky": one["leaky"]} for name, one in readouts.items()
        },
        "data": {
            "name": manifest["source"]["name"],
            "fingerprint": datamodule.store.fingerprint,
            "synthetic": manifest["text_origin"] == SIMULATION,
            "rate_hz": manifest["rate_hz"],
            "splits": splits,
        },
        "precision": precision_of(resolved["trainer"]["precision"], resolved["trainer"]["accelerator"]),
        "n_parameters": sum(parameter.numel() for parameter in method.parameters()),
        "n_trainable_parameters": sum(p.numel() for p in method.parameters() if p.requires_grad),
    }
