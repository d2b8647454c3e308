"""Training run: from composed settings and an open store to a finished run directory."""

import logging
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgmm.console.ending import Stopped
from ecgmm.console.system_errors import naming
from ecgmm.data.batches.split_checks import require_both_answers
from ecgmm.data.sources.leakage import SIMULATION, origins, refuse_leak, shown_readouts
from ecgmm.files import write_json
from ecgmm.locks import one_process
from ecgmm.models.method import Method, Stage
from ecgmm.runs.directory import finish_run, open_run, run_state
from ecgmm.runs.facts import METRICS, SCHEMA_VERSION, read_metrics, read_state
from ecgmm.runs.predictions import write_predictions
from ecgmm.runs.provenance import environment
from ecgmm.runs.saved_model import MODEL
from ecgmm.training.artefact import save_model
from ecgmm.training.build import Setup
from ecgmm.training.learning import learn
from ecgmm.training.lightning.processes import is_first_process, wait_until
from ecgmm.training.lightning.quiet import without_advice
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
from ecgmm.training.trainers import precision_of, refuse_missing_gpu

if TYPE_CHECKING:
    from ecgmm.dashboard.dashboard import Dashboard

log = logging.getLogger(__name__)


def train_run(setup: Setup, directory: Path) -> dict[str, Any]:
    """Train, evaluate and save one run; does nothing if the directory already holds the same finished run.

    Another process that trains the same run is waited for. Where several devices train together this is called in a
    process for each; all but the first return nothing.

    Args:
        setup: As ``set_up`` makes it of checked settings and an open store.
        directory: The run directory.

    Returns:
        The content of ``metrics.json``; nothing in processes beside the first, which write nothing.

    Raises:
        ConfigError: If a GPU is asked for and there is none, the number would measure a leak, or another run stands in
            the directory.
        DataError: If a file of the run is damaged.
    """
    refuse_missing_gpu(setup.settings["trainer"])
    with without_advice():
        if not is_first_process():
            logging.getLogger("ecgmm").setLevel(logging.WARNING)  # the first process speaks; this one is Lightning's
            return _train(setup, directory)
        with one_process(directory, "trains"), naming(directory), _saying_how_to_go_on(directory):
            return _train(setup, directory)


@contextmanager
def _saying_how_to_go_on(directory: Path) -> Iterator[None]:
    try:
        yield
    except Stopped as stop:
        saved = any(directory.glob("checkpoints/**/last.ckpt"))
        how = "goes on from its last checkpoint" if saved else "begins it anew, since it has no checkpoint yet"
        stop.add_note(f"{directory} is not finished; the same command {how}")
        raise


def _train(setup: Setup, directory: Path) -> dict[str, Any]:
    settings, datamodule = setup.settings, setup.datamodule
    targets = datamodule.targets
    require_both_answers(targets.values[datamodule.rows["test"]], "test", targets.class_names)
    if run_state(directory, setup.digest, settings["overwrite"]) == "finished":
        log.info("%s is finished already", directory)  # before the method is built, which may take long
        return read_metrics(directory, read_state(directory) or {})
    method = setup.fresh_method()
    label_origins = origins(
        datamodule.store.manifest["text_origin"],
        datamodule.labels.label_set,
        settings["text"]["policy"],
        method.inputs_at_test,
    )
    refuse_leak(label_origins, settings["allow_leaky"])
    readouts = readouts_of(method, setup.stages_of(method), label_origins, settings["allow_leaky"])
    task = setup.task_of(method)
    trainers = setup.trainers_of(method, directory)
    if not is_first_process():
        wait_until(lambda: run_state(directory, setup.digest) in ("interrupted", "finished"))
        learn(trainers, task, datamodule, directory)
        return {}
    facts = describe(setup, method, label_origins, readouts)
    for line in left_out_lines(datamodule.left_out):
        log.info(line)
    state = open_run(directory, settings, facts, settings["overwrite"])
    log.info("%s (%s)", directory, "going on where it stopped" if state == "interrupted" else "new")

    with _dashboard(directory, settings, facts) as dashboard:
        for stage in trainers:
            stage.trainer.logger = dashboard
        frame, seconds_per_epoch = learn(trainers, task, datamodule, directory)
        refused = [name for name in readouts_in(frame) if name not in facts["readouts"]]
        frame = without_readouts(frame, refused)
        refuse_not_finite(frame, "train with a lower optimizer.lr")
        write_predictions(directory, frame)
        fitted = fit_on_validation(frame, task.class_names, task.task_name)
        metrics = evaluate(frame, task.class_names, task.task_name, fitted, **settings["evaluation"])
        metrics = with_origins(metrics, label_origins, readouts)
        save_model(directory / MODEL, task, datamodule, settings)
        write_json(directory / METRICS, metrics)
        measured = {
            "seconds_per_epoch": seconds_per_epoch,
            "wall_time_s": round(time.monotonic() - setup.started_s, 1),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # of the whole process
        }
        done = {**facts, **environment(), **measured, "finished": True}
        if dashboard is not None:
            from ecgmm.dashboard.dashboard import log_results

            artifacts = settings["logger"]["artifacts"]
            log_results(dashboard, directory, frame, metrics, done, datamodule.store.manifest, artifacts)
    finish_run(directory, done)
    return metrics


def _dashboard(
    directory: Path, settings: dict[str, Any], facts: dict[str, Any]
) -> "AbstractContextManager[Dashboard | None]":
    """The logger that sends numbers to W&B; None where there is none, and with it neither W&B nor figures."""
    if settings["logger"]["mode"] == "disabled":
        return nullcontext()
    from ecgmm.dashboard.dashboard import open_dashboard

    return open_dashboard(directory, settings, facts)


def readouts_of(
    method: Method, stages: Sequence[Stage], label_origins: dict[str, Any], allow_leaky: bool
) -> dict[str, dict[str, Any]]:
    """Origins of each readout that a run may show; one that leaks needs ``allow_leaky``."""
    label_free = LABEL_FREE if "pretrain" in stages else {}
    return shown_readouts(label_origins, method.readouts | label_free, allow_leaky)


def describe(
    setup: Setup, method: Method, label_origins: dict[str, Any], readouts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Content of ``run.json`` before training has begun."""
    settings, datamodule = setup.settings, setup.datamodule
    manifest = datamodule.store.manifest
    splits = datamodule.summary().to_dicts()
    return {
        "schema_version": SCHEMA_VERSION,
        "config_digest": setup.digest,
        "method": method.name,
        "inputs_at_test": list(method.inputs_at_test),
        "reference": method.reference,
        "fidelity": method.fidelity,
        "recipe": settings["recipe"],
        "seed": settings["seed"],
        "task": settings["task"]["name"],
        "targets": settings["task"]["targets"],
        "train_fraction": settings["train_fraction"],
        "labels": {
            "name": datamodule.labels.label_set.name,
            "source": datamodule.labels.label_set.source,
            "digest": datamodule.labels.digest,
            "classes": list(datamodule.targets.class_names),
            "dropped": datamodule.targets.dropped,
        },
        "text_policy": settings["text"]["policy"],
        "sampling": settings["sampling"],
        "quality": {"limits": datamodule.quality.chosen, "left_out": datamodule.left_out},
        "text_origin": label_origins["text_origin"],
        "leaky": label_origins["leaky"],
        "size": settings["size"],
        "ablation": settings["ablation"],
        "stages": settings["stages"],
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
        "precision": precision_of(settings["trainer"]["precision"], settings["trainer"]["accelerator"]),
        "n_parameters": sum(parameter.numel() for parameter in method.parameters()),
        "n_trainable_parameters": sum(p.numel() for p in method.parameters() if p.requires_grad),
    }
