"""The small files of a run (facts, metrics, configuration, history): which fields they must have, and reading them."""

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import polars as pl
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic takes that of typing from Python 3.12 on

from ecgmm.errors import DataError, printable
from ecgmm.files import inside
from ecgmm.runs.reading import CURE, check_form, json_of, read_file

RUN, METRICS, CONFIG, HISTORY = "run.json", "metrics.json", "config.yaml", "history.csv"
EVALUATION = "evaluation"
SCHEMA_VERSION = 2

_MOST_BYTES = 64 << 20
_Lead = Literal["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
_form = with_config(ConfigDict(strict=True, extra="allow"))


def _all_different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("no name may stand twice")
    return names


Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[list[Name], AfterValidator(_all_different)]
Classes = Annotated[Names, Field(min_length=1, max_length=20_000)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Task = Literal["single_label", "multi_label"]
Inputs = list[Literal["ecg", "text"]]


@_form
class State(TypedDict):
    """The fields of ``run.json`` that a run has from its beginning."""

    config_digest: str
    finished: bool


@_form
class Split(TypedDict):
    """Size of a split."""

    split: str
    records: Count
    patients: Count


@_form
class Data(TypedDict):
    """The store that a run was trained on."""

    name: str
    fingerprint: str
    synthetic: bool
    splits: NotRequired[list[Split]]


@_form
class Labels(TypedDict):
    """The label set."""

    name: str
    source: str
    classes: Classes


@_form
class Readout(TypedDict):
    """Further predictions of a method."""

    inputs_at_test: Inputs
    leaky: bool


@_form
class Hardware(TypedDict):
    """The machine."""

    machine: str
    cpu_cores: int | None
    cpu_threads: int
    gpu: str | None


@_form
class Facts(TypedDict):
    """The fields of a finished run's ``run.json`` that are read again."""

    schema_version: int
    finished: bool
    method: str
    inputs_at_test: Inputs
    reference: str
    fidelity: str
    recipe: str
    size: str
    precision: str
    stages: Literal["joint", "two"]
    two_stages: bool
    seed: Count
    task: Task
    train_fraction: Share
    data: Data
    labels: Labels
    text_policy: str
    leaky: bool
    readouts: dict[str, Readout]
    n_parameters: Count
    n_trainable_parameters: Count
    seconds_per_epoch: float | None
    hardware: Hardware
    commit: str | None
    versions: dict[str, str]
    wall_time_s: float
    peak_memory_mb: float
    ablation: NotRequired[str | None]
    config_digest: NotRequired[str]
    files: NotRequired[dict[str, dict[str, Any]]]


@_form
class ClassRow(TypedDict):
    """Metrics of one class; its name stands under ``class``."""

    n: Count
    auroc: float | None


@_form
class Metrics(TypedDict):
    """The fields of ``metrics.json`` beside the metrics themselves."""

    task: Task
    classes: Classes
    per_class: list[ClassRow]
    confusion_matrix: list[list[Any]]
    absent_classes: Names
    thresholds: list[float] | None
    default_thresholds: NotRequired[Names]
    temperature: NotRequired[Annotated[float, Field(gt=0)] | None]
    n_records: Count
    n_patients: Count


@_form
class Entry(TypedDict):
    """One metric."""

    value: float | None
    low: NotRequired[float | None]
    high: NotRequired[float | None]


@_form
class SavedEvaluation(TypedDict):
    """The fields of a file below ``evaluation/`` beside the metrics."""

    leads: NotRequired[Annotated[list[_Lead], Field(min_length=1)]]


@_form
class Resampling(TypedDict):
    """How predictions become numbers."""

    n_resamples: Annotated[int, Field(ge=1, le=10_000_000)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]


@_form
class Selection(TypedDict):
    """Which records take part in a task."""

    selection: str


@_form
class Priority(TypedDict):
    """Which class a record of several counts as."""

    priority: list[str]


@_form
class Device(TypedDict):
    """Where and how precisely a run is computed."""

    accelerator: str
    precision: str


@_form
class EvaluationSettings(TypedDict):
    """The settings of ``config.yaml`` with which a run is evaluated again."""

    task: Selection
    labels: Priority
    trainer: Device
    evaluation: Resampling
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    prefetch: NotRequired[Annotated[int, Field(ge=0, le=1_000)]]
    quality: NotRequired[dict[str, Any] | None]


_STATE, _FACTS = TypeAdapter(State), TypeAdapter(Facts)
_METRICS, _EVALUATION = TypeAdapter(Metrics), TypeAdapter(SavedEvaluation)
_ENTRIES = TypeAdapter(dict[str, Entry])


def read_state(directory: Path) -> dict[str, Any] | None:
    """``run.json`` of a run that may not be finished; None where there is none.

    Raises:
        DataError: If it cannot be used.
    """
    path = inside(directory, RUN)
    if not path.exists():
        return None
    found = json_of(path, read_file(directory, RUN, _MOST_BYTES))
    check_form(found, _STATE, path)
    return found


def read_facts(directory: Path) -> dict[str, Any]:
    """``run.json`` of a run that says to be finished.

    Raises:
        DataError: If it cannot be used, or is of another version.
    """
    path = inside(directory, RUN)
    found = json_of(path, read_file(directory, RUN, _MOST_BYTES))
    if found.get("finished") is not True:
        return found
    if found.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{printable(path)} has schema_version {printable(found.get('schema_version'))} and this program reads"
            f" {SCHEMA_VERSION}; train the run again with overwrite=true, or move it away"
        )
    check_form(found, _FACTS, path)
    return found


def read_evaluations(directory: Path) -> list[dict[str, Any]]:
    """What ``python -m ecgmm.evaluate`` has saved of a run, by name of the file.

    Raises:
        DataError: If a file cannot be used.
    """
    folder, found = inside(directory, EVALUATION), []
    for name in sorted(path.name for path in folder.glob("*.json")):
        content = json_of(folder / name, read_file(directory, f"{EVALUATION}/{name}", _MOST_BYTES))
        check_form(content, _EVALUATION, folder / name)
        _check_entries(content, folder / name)
        found.append(content)
    return found


def read_metrics(directory: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """``metrics.json``.

    Raises:
        DataError: If it cannot be used, or is of other classes or readouts than ``run.json``.
    """
    path = inside(directory, METRICS)
    found = json_of(path, read_file(directory, METRICS, _MOST_BYTES, facts.get("files")))
    readouts = found.get("readouts", {})
    check_form(readouts, TypeAdapter(dict[str, dict[str, Any]]), path)
    for part in (found, *readouts.values()):
        _check_metrics(part, path)
        if "labels" in facts and part["classes"] != facts["labels"]["classes"]:
            raise DataError(f"{printable(path)} is damaged: it has other classes than {RUN}; {CURE}")
    if "readouts" in facts and not set(facts["readouts"]) <= set(readouts):
        raise DataError(f"{printable(path)} is damaged: it lacks a readout that {RUN} names; {CURE}")
    return found


def _check_metrics(found: dict[str, Any], path: Path) -> None:
    check_form(found, _METRICS, path)
    _check_entries(found, path)
    if [row.get("class") for row in found["per_class"]] != found["classes"]:
        raise DataError(f"{printable(path)}: per_class has other classes than classes; {CURE}")
    n_classes = len(found["classes"])
    for name in ("confusion_matrix", "thresholds"):
        if found[name] is not None and len(found[name]) != n_classes:
            raise DataError(f"{printable(path)}: {name} has not {n_classes} entries, one a class; {CURE}")
    if (found["thresholds"] is None) != (found["task"] == "single_label"):
        raise DataError(f"{printable(path)}: thresholds and task ({found['task']}) contradict each other; {CURE}")


def _check_entries(found: dict[str, Any], path: Path) -> None:
    for key, entry in found.items():
        if "/" in key:
            check_form({key: entry}, _ENTRIES, path)


def read_history(directory: Path, facts: Mapping[str, Any]) -> pl.DataFrame:
    """``history.csv``: one row an epoch, all columns float64; null where an epoch has no such number.

    Raises:
        DataError: If it cannot be used.
    """
    path = inside(directory, HISTORY)
    content = read_file(directory, HISTORY, _MOST_BYTES, facts.get("files"))
    try:
        frame = pl.read_csv(io.BytesIO(content), infer_schema=False)
        numbers = frame.with_columns(pl.all().cast(pl.Float64, strict=True))
    except pl.exceptions.PolarsError:
        raise DataError(f"{printable(path)} is damaged: it is no table of numbers; {CURE}") from None
    if "epoch" not in numbers.columns or not numbers.height:
        raise DataError(f"{printable(path)} is damaged: it has no epochs; {CURE}")
    if not all(math.isfinite(epoch) for epoch in numbers["epoch"].fill_null(math.nan)):
        raise DataError(f"{printable(path)} is damaged: an epoch has no number; {CURE}")
    return numbers
