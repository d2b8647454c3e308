"""``metrics.json`` and the files of ``evaluation/``: every metric of a split with its interval, as strict JSON."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ecgmm.data.sources.leakage import Origins
from ecgmm.errors import DataError, printable
from ecgmm.files import inside, write_json
from ecgmm.runs.facts import MOST_BYTES, RUN, ExternalFacts, RunFacts, Task
from ecgmm.runs.reading import CURE, Classes, Count, Name, Names, Number, Schema, Share, json_of, read_file

METRICS = "metrics.json"
EVALUATIONS = "evaluation"
"""Folder of what ``python -m ecgmm.evaluate`` has measured afterwards."""

_Lead = Literal["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


class Metric(Schema):
    """A metric with its 95 % interval; None where it is undefined."""

    value: Number | None
    low: Number | None = None
    high: Number | None = None

    def __float__(self) -> float:
        """The value; NaN where it is undefined."""
        return float("nan") if self.value is None else self.value


class ClassMetrics(Schema):
    """Metrics of one class against the rest (intervals stand under the keys), and its number of positive records."""

    name: Name = Field(alias="class")
    n: Count
    auroc: Number | None
    auprc: Number | None = None
    sensitivity: Number | None = None
    specificity: Number | None = None
    precision: Number | None = None
    f1: Number | None = None


class Bootstrap(Schema):
    """Resampling behind the intervals."""

    unit: str
    n_resamples: Count
    seed: Count
    confidence: Number


class Adaptation(Schema):
    """Adaptation of the model to the records that were measured, without their labels.

    Attributes:
        steps: What was adapted, in order.
        n_records: Records that it was adapted to, their windows counted apart.
        batch_norm_layers: Layers whose statistics were taken anew.
        exchange_rate: Share of reports that were taken to be of other records.
        source_prior: Share of each class among the validation records of the run.
        target_prior: Share of each class as it was estimated for the records that were measured.
    """

    steps: Names
    n_records: Count
    batch_norm_layers: Count | None = None
    exchange_rate: Share | None = None
    source_prior: dict[str, Share] | None = None
    target_prior: dict[str, Share] | None = None


class Conformal(Schema):
    """Sets of classes, calibrated on the validation records of the run, and how they do on those that were measured.

    Attributes:
        asked: Coverage that was asked for.
        coverage: Share of the records whose set holds their class.
        mean_size: Mean number of classes in a set.
        coverage_of_class: Coverage among the records of each class; None where there is none.
        n_calibration: Validation records.
        weighted: Whether they were weighed for label shift.
    """

    asked: Share
    coverage: Share
    mean_size: Number
    coverage_of_class: dict[str, Number | None]
    n_calibration: Count
    weighted: bool


class Metrics(Schema):
    """Metrics of one split, by keys such as ``test/auroc_macro`` and ``test/auroc/NORM``.

    In the file they stand beside the other fields; here ``metrics[key]`` finds them.

    Attributes:
        measured: Metrics of the split, with their intervals.
        task: ``single_label`` or ``multi_label``.
        classes: The K classes.
        per_class: One entry per class.
        confusion_matrix: See ``confusion_counts``.
        absent_classes: Classes that the split does not have, left out of macro means.
        thresholds: For multi-label the decision threshold of each class, chosen on validation.
        default_thresholds: Classes whose threshold is one half, for want of a positive record in validation.
        temperature: Of the logits, fitted on validation; None in runs from before calibration.
        doubtful_above: Inconsistency above which report and waveform are said to disagree, chosen on validation; None
            where the method has no such score.
        n_records: Records of the split.
        n_patients: Their patients.
        bootstrap: How intervals were made.
        validation: Metrics of the validation split, without intervals, beside those of another split.
        readouts: Metrics of each readout, by its name.
        origins: Where labels and text come from.
        leads: The leads that were shown, where not all were.
        external: About the store that was measured on, where it is not the run's own.
        recalibration: The same with choices made anew on a part of the patients, where that was asked for.
        adaptation: How the model was adapted without labels before it was measured, where that was asked for.
        conformal: Sets of classes, where they were asked for.
    """

    measured: dict[str, Metric]
    task: Task
    classes: Classes
    per_class: list[ClassMetrics]
    confusion_matrix: list[list[Any]]
    absent_classes: Names
    thresholds: list[Number] | None
    default_thresholds: Names = Field(default_factory=list)
    temperature: Annotated[Number, Field(gt=0)] | None = None
    doubtful_above: Number | None = None
    n_records: Count
    n_patients: Count
    bootstrap: Bootstrap | None = None
    validation: dict[str, Metric] = Field(default_factory=dict)
    readouts: dict[str, "Metrics"] = Field(default_factory=dict)
    origins: Origins | None = None
    leads: Annotated[list[_Lead], Field(min_length=1)] | None = None
    external: ExternalFacts | None = None
    recalibration: "Recalibration | None" = None
    adaptation: Adaptation | None = None
    conformal: Conformal | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, content: Any) -> Any:
        """Bring the keys of metrics, which hold a slash, together."""
        if not isinstance(content, dict) or "measured" in content:
            return content
        keyed = {name: entry for name, entry in content.items() if "/" in name}
        beside = [name for name, entry in keyed.items() if isinstance(entry, dict) and "low" not in entry]
        return {
            **{name: entry for name, entry in content.items() if name not in keyed},
            "measured": {name: entry for name, entry in keyed.items() if name not in beside},
            "validation": {name: keyed[name] for name in beside},
        }

    def __getitem__(self, key: str) -> Metric:
        return self.measured[key] if key in self.measured else self.validation[key]

    def __contains__(self, key: str) -> bool:
        return key in self.measured or key in self.validation

    def plain(self) -> dict[str, Any]:
        """The content of the file."""
        content: dict[str, Any] = {}
        for name, value in super().plain().items():
            if name in ("measured", "validation"):
                content |= value
            else:
                content[name] = value
        if "readouts" in content:
            content["readouts"] = {name: part.plain() for name, part in self.readouts.items()}
        if self.recalibration is not None:
            content["recalibration"] = self.recalibration.plain()
        return content

    def with_readouts(self) -> dict[str, "Metrics"]:
        """Metrics of the method under an empty name, and of its readouts under theirs."""
        return {"": self, **self.readouts}


class Recalibration(Schema):
    """Thresholds and temperature fitted anew on some of the patients, and what they change for the others.

    Attributes:
        share: Share of the patients that was asked for.
        by: What was fitted: the temperature, or a slope and a bias for each class (``vector``).
        seed: Seed of the hash that chose them.
        n_records: Records that were fitted on.
        n_patients: Their patients.
        before: Metrics of the other patients with the choices of the training run.
        after: The same with the new choices.
    """

    share: Share
    by: Literal["temperature", "vector"] = "temperature"
    seed: Count
    n_records: Count
    n_patients: Count
    before: Metrics
    after: Metrics

    def plain(self) -> dict[str, Any]:
        """The content of the file."""
        return {**super().plain(), "before": self.before.plain(), "after": self.after.plain()}


def write_metrics(file: Path, metrics: Metrics) -> None:
    """Write metrics as ``metrics.json`` or a file of ``evaluation/``."""
    write_json(file, metrics.plain())


def read_metrics(directory: Path, facts: RunFacts) -> Metrics:
    """``metrics.json``.

    Args:
        directory: The run directory.
        facts: Its ``run.json``.

    Raises:
        DataError: If it cannot be used, or is of other classes or readouts than ``run.json``.
    """
    path = inside(directory, METRICS)
    metrics = Metrics.read(json_of(path, read_file(directory, METRICS, MOST_BYTES, facts.files)), path)
    for part in metrics.with_readouts().values():
        _check_classes(part, path)
        if part.classes != facts.labels.classes:
            raise DataError(f"{printable(path)} is damaged: it has other classes than {RUN}; {CURE}")
    if not set(facts.readouts) <= set(metrics.readouts):
        raise DataError(f"{printable(path)} is damaged: it lacks a readout that {RUN} names; {CURE}")
    return metrics


def read_evaluations(directory: Path) -> list[Metrics]:
    """Metrics that ``python -m ecgmm.evaluate`` has saved of a run, in order of the names of the files.

    Raises:
        DataError: If a file cannot be used.
    """
    return list(read_named_evaluations(directory).values())


def read_named_evaluations(directory: Path) -> dict[str, Metrics]:
    """The same by name of the file without its ending, that of the predictions beside it.

    Raises:
        DataError: If a file cannot be used.
    """
    folder = inside(directory, EVALUATIONS)
    paths = sorted(folder.glob("*.json"))
    contents = {path: read_file(directory, f"{EVALUATIONS}/{path.name}", MOST_BYTES) for path in paths}
    found = {path: Metrics.read(json_of(path, content), path) for path, content in contents.items()}
    for path, metrics in found.items():
        _check_classes(metrics, path)
    return {path.stem: metrics for path, metrics in found.items()}


def _check_classes(metrics: Metrics, path: Path) -> None:
    if [row.name for row in metrics.per_class] != metrics.classes:
        raise DataError(f"{printable(path)}: per_class has other classes than classes; {CURE}")
    n_classes = len(metrics.classes)
    for name, entries in (("confusion_matrix", metrics.confusion_matrix), ("thresholds", metrics.thresholds)):
        if entries is not None and len(entries) != n_classes:
            raise DataError(f"{printable(path)}: {name} has not {n_classes} entries, one per class; {CURE}")
    if (metrics.thresholds is None) != (metrics.task == "single_label"):
        raise DataError(f"{printable(path)}: thresholds and task ({metrics.task}) contradict each other; {CURE}")
