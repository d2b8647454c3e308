"""One training run from an open store to a finished run directory."""

import logging
import time
import warnings
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from hydra.utils import instantiate
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf

from ecgmm.data.datamodule import EcgReportDataModule, Reports, ReportTokeniser
from ecgmm.data.store import Store
from ecgmm.errors import ConfigError
from ecgmm.models.method import ClosedFormMethod, Method
from ecgmm.text.tokenise import StatementVocabulary
from ecgmm.training.artefact import build_method, build_preparation, save_model
from ecgmm.training.checkpoint_io import AtomicCheckpointIO
from ecgmm.training.dashboard import close_dashboard, log_results, open_dashboard
from ecgmm.training.history import History
from ecgmm.training.predictions import evaluate, predict, thresholds_of
from ecgmm.training.run_directory import (
    SCHEMA_VERSION,
    config_digest,
    environment,
    open_run,
    read_json,
    write_json,
)
from ecgmm.training.task import DiagnosisTask

log = logging.getLogger(__name__)
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its import sets INFO: devices, tips, advertisement
warnings.filterwarnings("ignore", message=r".*Checkpoint directory .* exists and is not empty")  # so it is on a resume
# Lightning 2.6 with the pytree of torch 2.13: a deprecation that only Lightning can mend.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")

MIN_STATEMENT_RECORDS = 5
"""A statement in fewer training records than this has no id of its own: too few to learn from, and possibly private."""

MONITOR = "val/auroc_macro"


def run_training(config: DictConfig, store: Store, directory: Path) -> dict[str, Any]:
    """Train, evaluate and save one run; does nothing if the directory already holds the same finished run.

    Args:
        config: The composed configuration (``conf/train.yaml``).
        store: An open store.
        directory: The run directory.

    Returns:
        The content of ``metrics.json``.
    """
    started = time.monotonic()
    check_settings(config)
    datamodule = build_datamodule(config, store)
    config.from_data = datamodule.facts()
    resolved = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    method = build_method(resolved)
    leaky = check_leak(config, store, method)
    task = build_task(config, datamodule, method)
    trainer = build_trainer(config, directory)
    facts = describe(resolved, datamodule, method, leaky)
    state = open_run(directory, resolved, facts, config.overwrite)
    if state == "finished":
        log.info("%s is finished already", directory)
        return read_json(directory / "metrics.json")
    log.info("%s (%s)", directory, "going on where it stopped" if state == "interrupted" else "new")

    dashboard = open_dashboard(directory, resolved, facts)
    trainer.logger = dashboard
    try:
        learn(trainer, task, datamodule, directory)
        frame = predict(trainer, task, datamodule, ("val", "test"))
        frame.write_parquet(directory / "predictions.parquet")
        thresholds = thresholds_of(frame, task.class_names, task.task_name)
        metrics = evaluate(frame, task.class_names, task.task_name, thresholds, **resolved["evaluation"])
        save_model(directory / "model", task, datamodule, resolved)
        write_json(directory / "metrics.json", metrics)
        if dashboard is not None:
            log_results(dashboard, frame, metrics, task.class_names, task.task_name)
    finally:
        close_dashboard(dashboard)
    seconds = round(time.monotonic() - started, 1)
    write_json(directory / "run.json", {**facts, **environment(), "wall_time_s": seconds, "finished": True})
    return metrics


def check_settings(config: DictConfig) -> None:
    """Refuse numbers that no run could use, before anything is made.

    Raises:
        ConfigError: Naming the key, its value and its range.
    """
    whole, number = (int,), (int, float)
    ranges = {
        "seed": (whole, 0, "a whole number from 0"),
        "batch_size": (whole, 1, "a whole number from 1"),
        "optimizer.lr": (number, 0, "a number from 0"),
        "optimizer.weight_decay": (number, 0, "a number from 0"),
        "warmup_fraction": (number, 0, "a number from 0"),
        "trainer.max_epochs": (whole, 1, "a whole number from 1"),
        "text.max_tokens": (whole, 1, "a whole number from 1"),
        "evaluation.n_resamples": (whole, 1, "a whole number from 1"),
    }
    for key, (types, least, words) in ranges.items():
        value = OmegaConf.select(config, key)
        if not isinstance(value, types) or isinstance(value, bool) or value < least:
            raise ConfigError(f"{key} is {value!r}; it must be {words}")


def build_datamodule(
    config: DictConfig, store: Store, min_statement_records: int = MIN_STATEMENT_RECORDS
) -> EcgReportDataModule:
    """Build the data module that a configuration asks for, with vocabularies from its training reports."""
    configured = instantiate(config.text.tokeniser)

    def vocabularies(reports: Reports) -> tuple[ReportTokeniser, StatementVocabulary]:
        tokeniser = configured(reports) if callable(configured) else configured  # learned from the reports, or ready
        return tokeniser, StatementVocabulary.train(reports, min_statement_records)

    return EcgReportDataModule(
        store,
        label_set=config.labels.name,
        policy=config.task.policy,
        priority=list(config.labels.priority),
        train_fraction=config.train_fraction,
        text_policy=config.text.policy,
        vocabularies=vocabularies,
        max_tokens=config.text.max_tokens,
        batch_size=config.batch_size,
        seed=config.seed,
        targets=config.task.targets,
    )


def check_leak(config: DictConfig, store: Store, method: Method) -> bool:
    """Refuse labels from the report together with the full report as input.

    Returns:
        Whether the run leaks, which only ``allow_leaky`` permits.

    Raises:
        ConfigError: If it leaks and ``allow_leaky`` is false.
    """
    from_report = store.manifest["labels"][config.labels.name]["source"] == "report"
    leaks = from_report and config.text.policy == "full" and "text" in method.inputs_at_test
    if leaks and not config.allow_leaky:
        raise ConfigError(
            f"labels={config.labels.name} is read from the report and text.policy=full feeds the same report to the"
            " model, so a look-up would score 100 %; set text.policy=masked, use a method without text, or set"
            " allow_leaky=true and accept the mark on every result"
        )
    return leaks


def build_task(config: DictConfig, datamodule: EcgReportDataModule, method: Method) -> DiagnosisTask:
    """Put method, preparation, augmentation and optimizer together."""
    return DiagnosisTask(
        method,
        build_preparation(datamodule.store.manifest, config.waveform),
        None if config.augmentation is None else instantiate(config.augmentation),
        instantiate(config.optimizer),
        config.warmup_fraction,
        datamodule.targets.class_names,
        config.task.name,
        config.seed,
    )


def build_trainer(config: DictConfig, directory: Path) -> lightning.Trainer:
    """The Trainer with history and checkpoints (last, and best by validation macro AUROC)."""
    checkpoint = ModelCheckpoint(
        directory / "checkpoints",
        filename="best",
        monitor=MONITOR,
        mode="max",
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    trainer: lightning.Trainer = instantiate(
        config.trainer,
        precision=precision_of(config.trainer.precision, config.trainer.accelerator),
        plugins=[AtomicCheckpointIO()],
        callbacks=[History(directory / "history.csv"), checkpoint],
        default_root_dir=directory,
    )
    return trainer


def precision_of(precision: str, accelerator: str) -> Any:
    """Lightning's name for a precision; ``mixed_16`` is 16-mixed on a GPU and bf16-mixed on a CPU."""
    if precision != "mixed_16":
        return precision
    on_gpu = accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available())
    return "16-mixed" if on_gpu else "bf16-mixed"


def learn(trainer: lightning.Trainer, task: DiagnosisTask, datamodule: EcgReportDataModule, directory: Path) -> None:
    """Solve a closed-form method, or fit from the last finished epoch and take the best epoch's weights."""
    if isinstance(task.method, ClosedFormMethod):
        task.method.fit(datamodule.dataset(datamodule.rows["train"]).without_waveforms())
        return
    last = directory / "checkpoints" / "last.ckpt"
    trainer.fit(
        task,
        train_dataloaders=datamodule.train_dataloader(),
        val_dataloaders=datamodule.val_dataloader(),
        ckpt_path=str(last) if last.exists() else None,
        weights_only=True,
    )
    best = torch.load(directory / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)
    task.load_state_dict(best["state_dict"])


def describe(resolved: dict[str, Any], datamodule: EcgReportDataModule, method: Method, leaky: bool) -> dict[str, Any]:
    """What ``run.json`` says before training has begun."""
    manifest = datamodule.store.manifest
    label_set = manifest["labels"][resolved["labels"]["name"]]
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
            "name": resolved["labels"]["name"],
            "source": label_set["source"],
            "classes": list(datamodule.targets.class_names),
            "dropped": datamodule.targets.dropped,
        },
        "text_policy": resolved["text"]["policy"],
        "leaky": leaky,
        "data": {
            "name": manifest["source"]["name"],
            "fingerprint": datamodule.store.fingerprint,
            "synthetic": any(made["source"] == "simulation" for made in manifest["labels"].values()),
            "rate_hz": manifest["rate_hz"],
            "splits": splits,
        },
        "n_parameters": sum(parameter.numel() for parameter in method.parameters()),
    }
