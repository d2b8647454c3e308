"""Every command that reads a run, and its arguments."""

from collections.abc import Callable
from pathlib import Path

from ecgmm.reporting.report_figures import FIGURES

Arguments = Callable[[Path, Path, list[str]], list[str]]
"""From the run, its store and the settings that it was trained with."""


def _collected(*more: str) -> Arguments:
    return lambda run, store, settings: [str(run.parent), *more]


def _drawn(run: Path, store: Path, settings: list[str]) -> list[str]:
    return [str(run.parent), "--out", str(run.parents[1] / "figures")]


def _drawn_with_store(run: Path, store: Path, settings: list[str]) -> list[str]:
    return [*_drawn(run, store, settings), "--stores", str(store.parent)]


COMMANDS: dict[str, Arguments] = {
    "predict": lambda run, store, settings: [f"run={run}", 'report="Sinus rhythm. Left axis deviation."'],
    "evaluate": lambda run, store, settings: [f"run={run}", f"store={store}"],
    "train": lambda run, store, settings: [*settings, f"hydra.run.dir={run}"],
    "plan": lambda run, store, settings: [*settings, f"paths.outputs={run.parents[1]}", f"name={run.parent.name}"],
    "experiments.table2": _collected("--resamples", "20"),
    "experiments.leads": _collected(),
    "experiments.second_cart": lambda run, store, settings: [str(run.parent)],
    **{f"experiments.{name}": _drawn_with_store if figure.needs_store else _drawn for name, figure in FIGURES.items()},
    "experiments.report": lambda run, store, settings: [
        str(run.parent),
        "--out",
        str(run.parents[1] / "report.html"),
        "--resamples",
        "20",
        "--stores",
        str(store.parent),
    ],
}
