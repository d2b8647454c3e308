"""Parts of a model card with numbers: performance, calibration, thresholds, and other data."""

from collections.abc import Mapping, Sequence

from ecgmm.evaluation.metrics import HEADLINE, TABLE2_METRICS
from ecgmm.reporting.card_parts import Part
from ecgmm.reporting.table2_sections import Section
from ecgmm.runs.metrics import Metric, Metrics
from ecgmm.runs.run import Run

_WORDS = {
    "auroc_macro": "AUROC, mean over classes",
    "auprc_macro": "AUPRC, mean over classes",
    "accuracy": "accuracy",
    "f1_macro": "F1, mean over classes",
    "precision_macro": "precision, mean over classes",
    "recall_macro": "sensitivity, mean over classes",
    "specificity_macro": "specificity, mean over classes",
    "mcc": "Matthews correlation",
    "exact_match": "all classes right",
    "auroc_abnormal": "AUROC of not normal",
}
_CALIBRATION = {
    "ece": "expected calibration error (15 bins)",
    "ece_calibrated": "the same after temperature",
    "classwise_ece": "class-wise calibration error, mean over classes",
    "classwise_ece_calibrated": "the same after temperature",
    "calibration_slope": "calibration slope, mean over classes (1 is right)",
    "calibration_slope_calibrated": "the same after temperature",
    "calibration_intercept": "calibration intercept at slope 1, mean over classes (0 is right)",
    "calibration_intercept_calibrated": "the same after temperature",
    "brier": "Brier score",
    "brier_calibrated": "the same after temperature",
    "nll": "negative log likelihood",
    "nll_calibrated": "the same after temperature",
}
_COX = {"calibration_slope": "Slope", "calibration_intercept": "Intercept at slope 1"}
_PER_CLASS = {"auroc": "AUROC", "auprc": "AUPRC", "sensitivity": "Sensitivity", "specificity": "Specificity"}


def performance(run: Run) -> Part:
    """Every overall metric with its interval, and each class."""
    metrics = run.metrics
    bootstrap = metrics.bootstrap
    resampled = "not resampled" if bootstrap is None else f"{bootstrap.n_resamples:,} resamples of patients"
    sentences = [
        f"On {metrics.n_records:,} test records of {metrics.n_patients:,} patients; 95 % intervals ({resampled}) cover"
        " other patients, not training again. Means over classes count each class alike."
    ]
    overall = _table("Overall", metrics, _WORDS)
    by_class = [
        (row.name, f"{row.n:,}", *(_words(metrics, f"test/{key}/{row.name}") for key in _PER_CLASS))
        for row in metrics.per_class
    ]
    head = ("Class", "Positive records", *(f"{words} (95 %)" for words in _PER_CLASS.values()))
    tables = [overall, Section("By class", head, by_class)]
    if metrics.readouts:
        lines = [(name, _words(part, f"test/{HEADLINE}")) for name, part in metrics.readouts.items()]
        tables.append(Section("Further outputs of the same model", ("Output", "AUROC (95 %)"), lines))
    return Part("Performance", sentences, tables=tables)


def by_group(groups: Sequence[Section]) -> Part:
    """Tables by group, as they were measured elsewhere; none where nobody measured them."""
    if not groups:
        return Part("By group")
    return Part("By group", ["Groups are of the test records; small ones are not shown."], tables=groups)


def calibration(run: Run) -> Part:
    """Calibration as it is and after the temperature of validation."""
    temperature = run.metrics.temperature
    fitted = "not fitted" if temperature is None else f"{temperature:.3f}"
    sentences = [
        f"Temperature that divides the logits, fitted on validation: {fitted}; above 1 the model was too sure."
        " Errors are better when lower; chance alone raises the calibration error of a small test split."
    ]
    tables = [_table("Calibration", run.metrics, _CALIBRATION)]
    if any(key.startswith("test/calibration_slope/") for key in run.metrics.measured):  # not in runs from before
        sentences.append(
            "A slope below 1 means probabilities that are too extreme, an intercept below 0 a class called too likely."
        )
        lines = [(name, *(_words(run.metrics, f"test/{key}/{name}") for key in _COX)) for name in run.metrics.classes]
        tables.append(Section("Calibration by class", ("Class", *(f"{name} (95 %)" for name in _COX.values())), lines))
    return Part("Calibration", sentences, tables=tables)


def thresholds(run: Run) -> Part:
    """How a decision is made of probabilities."""
    metrics, sentences = run.metrics, []
    tables = []
    if metrics.thresholds is None:
        sentences.append("The class with the highest probability is the decision; there is no threshold.")
    else:
        sentences.append(
            "A class is decided on where its probability reaches its threshold: that of the highest F1 on validation."
        )
        lines = [
            (
                name,
                f"{value:.3f}",
                "one half, no positive record" if name in metrics.default_thresholds else "validation",
            )
            for name, value in zip(metrics.classes, metrics.thresholds, strict=True)
        ]
        tables.append(Section("Thresholds", ("Class", "Threshold", "From"), lines))
    if metrics.doubtful_above is not None:
        sentences.append(
            f"Report and waveform are said to disagree above an inconsistency of {metrics.doubtful_above:.3f}."
        )
    return Part("Thresholds", sentences, tables=tables)


def other_data(run: Run) -> Part:
    """Evaluations on other records that the run directory holds."""
    lines = []
    for one in run.evaluations:
        key = next((key for key in one.measured if key.endswith(f"/{HEADLINE}")), None)
        where = run.facts.data.name if one.external is None else one.external.source
        made = "SYNTHETIC" if one.external is not None and one.external.synthetic else ""
        again = "" if one.recalibration is None else f"fitted anew on {one.recalibration.n_patients:,} patients as well"
        split = "" if key is None else key.partition("/")[0]
        value = "" if key is None else _words(one, key)
        notes = ", ".join(note for note in (made, again) if note)
        lines.append((where, split, f"{one.n_records:,}", f"{one.n_patients:,}", value, notes))
    if not lines:
        return Part("Other data")
    head = ("Source", "Split", "Records", "Patients", "AUROC (95 %)", "Notes")
    return Part(
        "Other data", ["Evaluations that the run directory holds."], tables=[Section("Other data", head, lines)]
    )


def headline_values(run: Run) -> Mapping[str, Metric]:
    """The metrics of Table 2 that are defined, by key."""
    keys = (key for key in TABLE2_METRICS if f"test/{key}" in run.metrics)
    found = {key: run.metrics[f"test/{key}"] for key in keys}
    return {key: metric for key, metric in found.items() if metric.value is not None}


def _table(title: str, metrics: Metrics, words: Mapping[str, str]) -> Section:
    shown = [(name, f"test/{key}") for key, name in words.items() if f"test/{key}" in metrics]
    return Section(title, ("Metric", "Value (95 %)"), [(name, _words(metrics, key)) for name, key in shown])


def _words(metrics: Metrics, key: str) -> str:
    if key not in metrics or metrics[key].value is None:
        return "undefined"
    metric = metrics[key]
    bounds = "" if metric.low is None or metric.high is None else f" ({metric.low:.3f} to {metric.high:.3f})"
    return f"{metric.value:.3f}{bounds}"
