"""Training run: from composed settings and an open store to a finished run directory."""

import logging
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgmm.console.ending import Stopped
from ecgmm.console.system_errors import naming
from ecgmm.data.batches.split_checks import require_both_answers
from ecgmm.data.sources.leakage import SIMULATION, Origins, origins_of, refuse_leak, shown_readouts
from ecgmm.errors import ConfigError, first_line
from ecgmm.locks import one_process
from ecgmm.models.method import Method, Stage
from ecgmm.runs.calibration import calibrate
from ecgmm.runs.directory import finish_run, open_run, run_state
from ecgmm.runs.facts import (
    CROSS_ENTROPY,
    SCHEMA_VERSION,
    DataFacts,
    LabelFacts,
    LabelNoiseFacts,
    QualityFacts,
    ReadoutFacts,
    RunDescription,
    RunFacts,
    SplitFacts,
    read_facts,
)
from ecgmm.runs.measuring import doubtful_above, fit_on_validation, measure
from ecgmm.runs.metrics import METRICS, Metrics, read_metrics, write_metrics
from ecgmm.runs.participants import in_words
from ecgmm.runs.predictions import (
    HELD_OUT,
    PREDICTIONS,
    readouts_in,
    refuse_not_finite,
    without_readouts,
    write_predictions,
)
from ecgmm.runs.provenance import environment
from ecgmm.runs.saved_model import MODEL, ModelFacts, Signal
from ecgmm.runs.saving import save_model
from ecgmm.training.build import Setup
from ecgmm.training.learning import learn
from ecgmm.training.lightning.processes import is_first_process, wait_until
from ecgmm.training.lightning.quiet import without_advice
from ecgmm.training.participants import participants_of
from ecgmm.training.readouts import LABEL_FREE
from ecgmm.training.room import refuse_full_disk, room_of
from ecgmm.training.summary import in_brief
from ecgmm.training.trainers import precision_of, refuse_missing_gpu

if TYPE_CHECKING:
    import polars as pl

    from ecgmm.dashboard.dashboard import Dashboard

log = logging.getLogger(__name__)


def train_run(setup: Setup, directory: Path) -> Metrics | None:
    """Train, evaluate and save one run; does nothing if the directory already holds the same finished run.

    Another process that trains the same run is waited for. Where several devices train together this is called in a
    process for each; all but the first return nothing.

    Args:
        setup: As ``set_up`` makes it of checked settings and an open store.
        directory: The run directory.

    Returns:
        ``metrics.json``; None in processes beside the first, which write nothing.

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


def _train(setup: Setup, directory: Path) -> Metrics | None:
    settings, datamodule = setup.settings, setup.datamodule
    targets = datamodule.targets
    measured = datamodule.splits[-1]
    require_both_answers(targets.values[datamodule.rows[measured]], measured, targets.class_names)
    if run_state(directory, setup.digest, settings["overwrite"]) == "finished":
        log.info("%s is finished already", directory)  # before the method is built, which may take long
        done = read_facts(directory)
        assert done is not None
        return read_metrics(directory, done)
    method = setup.fresh_method()
    at_test = settings["text"].get("at_test", "report")
    origins = origins_of(
        datamodule.store.manifest["text_origin"],
        datamodule.labels.label_set,
        settings["text"]["policy"],
        inputs_at_test(method, at_test),
    )
    refuse_leak(origins, settings["allow_leaky"])
    readouts = readouts_of(method, setup.stages_of(method), origins, settings["allow_leaky"])
    if at_test == "none":
        readouts = {name: one for name, one in readouts.items() if "text" not in one.inputs_at_test}
    task = setup.task_of(method)
    trainers = setup.trainers_of(method, directory)
    if not is_first_process():
        wait_until(lambda: run_state(directory, setup.digest) in ("interrupted", "finished"))
        learn(trainers, task, datamodule, directory)
        return None
    description = describe(setup, method, origins, readouts)
    assert description.data.participants is not None
    log.info("%s", in_words(description.data.participants))
    log.info("%s", in_brief(description, trainers[-1].trainer))
    refuse_full_disk(directory, room_of(method, settings["keep_checkpoints"]))
    state = open_run(directory, settings, description, settings["overwrite"])
    log.info("%s (%s)", directory, "going on where it stopped" if state == "interrupted" else "new")

    with _dashboard(directory, settings, description) as dashboard:
        for stage in trainers:
            stage.trainer.logger = dashboard
        frame, seconds_per_epoch, held_out = learn(trainers, task, datamodule, directory)
        refused = [name for name in readouts_in(frame) if name not in readouts]
        frame = without_readouts(frame, refused)
        refuse_not_finite(frame, "train with a lower optimizer.lr")
        write_predictions(directory / PREDICTIONS, frame)
        if held_out is not None:
            write_predictions(directory / HELD_OUT, held_out)
        fitted = fit_on_validation(frame, task.class_names, task.task_name)
        resampling = settings["evaluation"]
        metrics = measure(
            frame,
            task.class_names,
            task.task_name,
            fitted,
            **resampling,
            origins=origins,
            readouts=readouts,
            split=measured,
        )
        limit = doubtful_above(frame)
        doubtful = {} if limit is None else {"doubtful_above": limit}
        metrics = metrics.model_copy(update=doubtful)
        vocabularies = (datamodule.tokeniser, datamodule.statement_vocabulary)
        calibration = calibrate(frame, task.class_names, task.task_name, fitted[""], description.precision)
        found = {**doubtful, "calibration": calibration, "heard_tokens": sorted(datamodule.heard_tokens)}
        learnt = model_facts(setup).model_copy(update=found)
        save_model(directory / MODEL, task.method, vocabularies, learnt)
        write_metrics(directory / METRICS, metrics)
        facts = RunFacts(
            **dict(description),
            **dict(environment()),
            seconds_per_epoch=seconds_per_epoch,
            wall_time_s=round(time.monotonic() - setup.started_s, 1),
            peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # of the whole process
            finished=True,
        )
        figures = _figures(directory, facts, metrics, frame) if settings["page"] or dashboard is not None else {}
        if dashboard is not None:
            from ecgmm.dashboard.destination import Results

            results = Results(directory, frame, metrics, facts, figures, datamodule.store.manifest)
            dashboard.send(lambda destination: destination.send_results(results))
    finish_run(directory, facts, settings["keep_checkpoints"])
    return metrics


def _dashboard(
    directory: Path, settings: Mapping[str, Any], description: RunDescription
) -> "AbstractContextManager[Dashboard | None]":
    """The logger of the setting ``logger``; None where there is none, and with it no figures."""
    if settings["logger"]["kind"] == "none" or settings["logger"].get("mode") == "disabled":
        return nullcontext()
    from ecgmm.dashboard.content import shown_settings
    from ecgmm.dashboard.dashboard import open_dashboard

    return open_dashboard(directory, settings["logger"], settings["name"], shown_settings(settings), description)


def _figures(directory: Path, facts: RunFacts, metrics: Metrics, frame: "pl.DataFrame") -> dict[str, Path]:
    from ecgmm.run_figures.figures import draw_figures  # with matplotlib, which takes a second to import

    try:
        return draw_figures(directory, facts, metrics, frame)
    except Exception as error:  # a run that has its numbers does not fail for want of a picture
        log.warning("figures are not drawn (%s); `ecgmm report %s` tries again", first_line(error), directory)
        return {}


def model_facts(setup: Setup) -> ModelFacts:
    """Content of ``model.json``, apart from what only the trained method knows."""
    settings, datamodule = setup.settings, setup.datamodule
    return ModelFacts.model_validate(
        {
            "task": settings["task"]["name"],
            "class_names": list(datamodule.targets.class_names),
            "labels": settings["labels"]["name"],
            **own_words(setup),
            "tokeniser": type(datamodule.tokeniser).__name__,
            "text_policy": settings["text"]["policy"],
            "text_at_test": settings["text"].get("at_test", "report"),
            "max_tokens": settings["text"]["max_tokens"],
            "method": settings["method"],
            "waveform": setup.waveform,
            "store": Signal.of(setup.signal),
        }
    )


def inputs_at_test(method: Method, at_test: str) -> list[str]:
    """What a method sees when it predicts, where ``text.at_test=none`` withholds the report.

    Raises:
        ConfigError: If that takes nothing from the method, or all that it has.
    """
    inputs = list(method.inputs_at_test)
    if at_test == "report":
        return inputs
    if "text" not in inputs:
        raise ConfigError(f"text.at_test=none: {method.name} predicts without the report anyway; leave it out")
    if inputs == ["text"]:
        raise ConfigError(f"text.at_test=none: {method.name} predicts from the report alone; choose another method")
    return [name for name in inputs if name != "text"]


def own_words(setup: Setup) -> dict[str, Any]:
    """Fields of ``model.json`` for the user's own words about the classes; none where there are none."""
    words = {
        "masked_phrases": list(setup.datamodule.labels.label_set.phrases),
        "descriptions": {name: list(texts) for name, texts in setup.texts.described.items()},
    }
    return {name: value for name, value in words.items() if value}


def readouts_of(method: Method, stages: Sequence[Stage], origins: Origins, allow_leaky: bool) -> dict[str, Origins]:
    """Origins of each readout that a run may show; one that leaks needs ``allow_leaky``."""
    label_free = {name: LABEL_FREE[name] for name in method.label_free if "pretrain" in stages}
    return shown_readouts(origins, method.readouts | label_free, allow_leaky)


def describe(setup: Setup, method: Method, origins: Origins, readouts: Mapping[str, Origins]) -> RunDescription:
    """Content of ``run.json`` before training has begun."""
    settings, datamodule = setup.settings, setup.datamodule
    manifest, targets = datamodule.store.manifest, datamodule.targets
    initial = {} if setup.initial is None else {"init": setup.initial.facts(method)}
    return RunDescription(
        schema_version=SCHEMA_VERSION,
        config_digest=setup.digest,
        method=method.name,
        inputs_at_test=origins.inputs_at_test,
        reference=method.reference,
        fidelity=method.fidelity,
        recipe=settings["recipe"],
        seed=settings["seed"],
        task=settings["task"]["name"],
        targets=settings["task"]["targets"],
        train_fraction=settings["train_fraction"],
        fraction_seed=settings.get("fraction_seed"),
        label_fraction=settings.get("label_fraction"),
        labelled=None if settings.get("label_fraction") is None else SplitFacts(**datamodule.labelled_summary()),
        labels=LabelFacts(
            name=origins.labels,
            source=origins.label_source,
            digest=datamodule.labels.digest,
            classes=list(targets.class_names),
            dropped=targets.dropped,
        ),
        text_policy=origins.text_policy,
        text_at_test=settings["text"].get("at_test", "report"),
        sampling=settings["sampling"],
        quality=QualityFacts(limits=datamodule.quality.chosen, left_out=datamodule.left_out),
        label_noise=_noise_facts(settings["label_noise"]),
        criterion=criterion_words(method),
        held_out=settings["held_out"],
        text_origin=origins.text_origin,
        leaky=origins.leaky,
        size=settings["size"],
        ablation=settings["ablation"],
        stages=settings["stages"],
        two_stages=method.two_stages,
        learns_from_reports=method.learns_from_reports,
        readouts={
            name: ReadoutFacts(inputs_at_test=one.inputs_at_test, leaky=one.leaky) for name, one in readouts.items()
        },
        data=DataFacts(
            name=manifest["source"]["name"],
            fingerprint=datamodule.store.fingerprint,
            synthetic=manifest["text_origin"] == SIMULATION,
            rate_hz=manifest["rate_hz"],
            splits=[SplitFacts(**split) for split in datamodule.summary().to_dicts()],
            participants=participants_of(datamodule),
        ),
        precision=precision_of(settings["trainer"]["precision"], settings["trainer"]["accelerator"]),
        n_parameters=sum(parameter.numel() for parameter in method.parameters()),
        n_trainable_parameters=sum(p.numel() for p in method.parameters() if p.requires_grad),
        **initial,
    )


def _noise_facts(settings: Mapping[str, Any]) -> LabelNoiseFacts | None:
    return None if settings["kind"] == "none" else LabelNoiseFacts(**settings)


def criterion_words(method: Method) -> str:
    """Name of the method's criterion in tables."""
    words: str | None = getattr(method.criterion, "words", None)  # of a robust one
    smoothing = getattr(method.criterion, "label_smoothing", 0)
    return words or (f"label smoothing {smoothing:g}" if smoothing else CROSS_ENTROPY)
