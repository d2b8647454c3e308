"""Tables and verdict lines of an audit for the terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ecgmm.data.store.splits import SPLITS

_MOST_COLUMNS = 6
"""Classes that fit beside each other on 80 columns."""
_COLOURS = {"PASS": "green", "WARN": "yellow", "LEAK": "bold red"}


def print_audit(audit: dict[str, Any], console: Console) -> None:
    """Print the content of ``audit.json``."""
    labels = audit["labels"]
    for line in (
        f"Audit of {audit['store']['name']}",
        f"labels: {labels['name']} from {labels['source']} ({labels['version']}); task: {audit['task']}",
        "",
    ):
        console.print(line, highlight=False)
    for table in (_classes(audit), _shared(audit), _probes(audit)):
        console.print(table)
    for verdict in audit["verdicts"]:
        level = verdict["level"]
        action = f" -> {verdict['action']}" if verdict["action"] else ""
        console.print(level, style=_COLOURS[level], end=" ")
        console.print(f"{verdict['about']}: {verdict['reason']}.{action}", highlight=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))  # fits 80 columns
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table


def _classes(audit: dict[str, Any]) -> Table:
    table = _table("Classes, and rows that do not take part", "", *SPLITS)
    for name, counts in audit["classes"].items():
        table.add_row(name, *(f"{counts[split]:,}" for split in SPLITS))
    table.add_section()
    for reason, count in audit["dropped"].items():
        table.add_row(f"dropped: {reason}", "", "", f"{count:,}")
    return table


def _shared(audit: dict[str, Any]) -> Table:
    table = _table("What splits share", "", "number", "of")
    waveforms, reports, seen = audit["waveforms"], audit["reports"], audit["look_up"]
    rows = (
        ("patients in several splits", audit["patients"]["in_several_splits"], audit["patients"]["all"]),
        ("waveforms in several splits, byte for byte", waveforms["in_several_splits"], waveforms["rows"]),
        ("reports in several splits", reports["in_several_splits"], reports["rows"]),
        ("distinct reports", reports["distinct"], reports["rows"]),
        ("test records whose report occurs in training", seen["seen"], seen["test"]),
        ("... with the same label", seen["seen_with_label"], seen["test"]),
        ("... whose most frequent label there is right", seen["right"], seen["test"]),
    )
    for name, count, total in rows:
        table.add_row(name, f"{count:,}", f"{total:,}")
    return table


def _probes(audit: dict[str, Any]) -> Table:
    classes = audit["labels"]["classes"]
    shown = classes if len(classes) <= _MOST_COLUMNS else []  # the file has them all
    title = "AUROC on the test split of models that look at one input only"
    table = _table(title, "input", "macro", "95 %", *(shown or ["highest class"]))
    for probe in audit["probes"]:
        area = probe["auroc_macro"]
        table.add_row(
            _input(probe),
            _number(area["value"]),
            f"{_number(area['low'])}-{_number(area['high'])}",
            *([_number(probe["auroc"][name]) for name in shown] or [_highest(probe["auroc"])]),
        )
    return table


def _input(probe: dict[str, Any]) -> str:
    name = probe["input"].removeprefix("bag_of_").replace("_", " ")
    return f"{name}, {probe['text_policy']}" if probe["text_policy"] else name


def _highest(areas: dict[str, float | None]) -> str:
    name, value = max(areas.items(), key=lambda item: item[1] or 0.0)
    return f"{name} {_number(value)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
