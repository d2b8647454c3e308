"""What a run prints at its beginning and its end."""

from pathlib import Path

import lightning
import torch
from rich.table import Table

from ecgmm.console.plain_console import PlainConsole
from ecgmm.console.terminal import say
from ecgmm.runs.facts import RunDescription
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.participants import Participants, lines_of

_RECALIBRATED = ("accuracy", "f1_macro", "recall_macro", "specificity_macro", "ece_calibrated", "brier_calibrated")
"""Metrics that thresholds or temperature change, as a line each."""
_MOST_NAMED = 12
"""Classes that are named in the first lines of a run; label sets of codes have hundreds."""


def in_brief(description: RunDescription, trainer: lightning.Trainer) -> str:
    """Method, size, classes, device and precision in one line, for the log of a run that begins."""
    device, classes = trainer.strategy.root_device, description.labels.classes
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    named = f" ({', '.join(classes)})" if len(classes) <= _MOST_NAMED else ""
    seen = description.labelled
    hidden = "" if seen is None else f"; labels seen of {seen.records:,} training rows ({seen.patients:,} patients)"
    return (
        f"{description.method}: {description.n_parameters:,} parameters, {description.n_trainable_parameters:,} of them"
        f" trained; {len(classes)} classes{named}, {description.task}; {trainer.world_size} x {name},"
        f" {description.precision}; recipe {description.recipe}, seed {description.seed}{hidden}"
    )


def print_metrics(metrics: Metrics, directory: Path) -> None:
    """Print the metrics that have intervals, whichever split they are of, and the marks that they carry.

    Args:
        metrics: What was measured.
        directory: The run directory, printed below.
    """
    table = Table()
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("95 % interval over patients", justify="right")
    shown = {key: metric for key, metric in metrics.measured.items() if key.count("/") == 1}
    for key, metric in shown.items():
        table.add_row(key, _number(metric.value), f"{_number(metric.low)} - {_number(metric.high)}")
    console = PlainConsole()
    console.print(table)
    say(directory)  # not through the console, which would break a long path
    split = next(iter(shown)).split("/")[0]
    if metrics.absent_classes:
        where = "set" if split == "all" else f"{split} split"
        say(f"left out, not in the {where}: {', '.join(metrics.absent_classes)}")
    if split == "val" and metrics.temperature is not None:
        say("thresholds and temperature were chosen on this split, so what depends on them is too good")
    if metrics.origins is not None and metrics.origins.leaky:
        say("LEAK: labels come from the report that the method also reads; the numbers measure the leak")


def print_participants(participants: Participants) -> None:
    """Print the flow as a table."""
    table = Table(title="Participants", title_justify="left")
    table.add_column("")
    for name in ("all", *(split.split for split in participants.splits)):
        table.add_column(name, justify="right")
    for line in lines_of(participants):
        table.add_row(*line)
    PlainConsole().print(table)


def print_external(metrics: Metrics) -> None:
    """Print on what an evaluation on another store was measured, and what it left out; nothing for the run's own."""
    about = metrics.external
    if about is None:
        return
    say(
        f"measured on {about.store} ({about.source}): {metrics.n_records:,} records of {metrics.n_patients:,} patients,"
        f" classes {', '.join(metrics.classes)}"
    )
    for whose, names in (("the model", about.only_model), ("the store", about.only_store)):
        if names:
            say(f"classes that only {whose} has, left out: {', '.join(names)}")
    for reason, count in about.labels.dropped.items():
        say(f"rows left out: {count:,} ({reason})")
    if about.patients.dropped_patients:
        say(f"patients of the run's training left out: {about.patients.dropped_patients:,}")
    if not about.patients.checked:
        say(
            "patients of the run's training may be among these: the run's store was not found (paths.stores=...), or is"
            " of another source and another rate, length or scale"
        )
    if about.without_report and metrics.origins is not None and "text" in metrics.origins.inputs_at_test:
        say(f"rows without a report: {about.without_report:,}")
    if metrics.recalibration is not None:
        new = metrics.recalibration
        say(f"fitted anew on {new.n_patients:,} patients (seed {new.seed}), the others before and after:")
        for key in _RECALIBRATED:
            name = f"{about.split}/{key}"
            say(f"  {key:<17} {_number(new.before[name].value)} {_number(new.after[name].value)}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
