"""Result of a figure's command: the figure, its name, and a caption that says on what it was measured."""

import argparse
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ecgmm.console.terminal import say
from ecgmm.errors import printable
from ecgmm.plots.look import look, save_figure
from ecgmm.reporting.command import exit_code
from ecgmm.runs.facts import RunFacts
from ecgmm.runs.run import Run, find_runs
from ecgmm.runs.store_of_run import STORES


@dataclass(frozen=True)
class Drawing:
    """One figure of the paper.

    Attributes:
        name: Name of its files, such as ``figure3``.
        figure: The figure.
        caption: What it shows, then data, recipe, seeds and n.
        found: What was found, in one sentence for the page; empty where there is none.
    """

    name: str
    figure: Figure
    caption: str
    found: str = ""


def provenance(runs: Sequence[Run], measured: str | None = None) -> str:
    """The end of every caption: data (SYNTHETIC where it is), split, recipe, size, seeds, commit.

    Args:
        runs: Behind what is shown.
        measured: On which records, where these are not the runs' own test records.
    """
    facts = [run.facts for run in runs]
    data, seeds = facts[0].data, sorted({run.seed for run in runs})
    test = runs[0].split("test")
    measured = measured or f"test split: {test.records:,} records of {test.patients:,} patients"
    mark = "SYNTHETIC data: shows that the code works, not how a method does on patients. " if data.synthetic else ""
    return (
        f"{mark}Data {data.name} ({data.fingerprint[:12]}), {measured};"
        f" recipe {_all('recipe', facts)}, size {_all('size', facts)}, task {_all('task', facts)},"
        f" precision {_all('precision', facts)}, seeds {', '.join(map(str, seeds))};"
        f" ecgmm {', '.join(sorted({one.versions.get('ecgmm', 'unknown') for one in facts}))}, commit"
        f" {', '.join(sorted({str(one.commit or 'unknown') for one in facts}))}."
    )


def _all(key: str, facts: Sequence[RunFacts]) -> str:
    return ", ".join(sorted({str(getattr(one, key)) for one in facts}))


def svg(drawing: Drawing) -> str:
    """The figure as an SVG element for a page, without dates."""
    buffer = io.StringIO()
    with look():
        drawing.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def save(drawing: Drawing, folder: Path) -> list[Path]:
    """Write ``<name>.pdf``, ``<name>.png`` and the caption as ``<name>.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    caption = folder / f"{drawing.name}.txt"
    caption.write_text(printable(drawing.caption, 20_000) + "\n", encoding="utf-8")
    return [*save_figure(drawing.figure, folder / drawing.name), caption]


def command(
    build: Callable[..., Drawing], doc: str | None, arguments: Sequence[str] | None = None, with_stores: bool = False
) -> int:
    """The command line of a collector: folders of runs in, files out; returns the exit code.

    Args:
        build: Draws from finished runs; raises a UserError where they do not hold what it needs.
        doc: The collector's module docstring, whose first line is its help.
        arguments: Without them, those of the process.
        with_stores: Whether it also reads a store, and takes the folder that holds it as second argument.
    """
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument("--out", type=Path, default=Path("figures"), help="where to save (default figures/)")
    if with_stores:
        parser.add_argument("--stores", type=Path, default=STORES, help="folder that holds stores (default stores/)")
    options = parser.parse_args(arguments)
    more = [options.stores] if with_stores else []
    return exit_code(lambda: _draw(lambda runs: build(runs, *more), options.folders, options.out))


def _draw(build: Callable[[list[Run]], Drawing], folders: list[Path], out: Path) -> None:
    runs, unfinished = find_runs(folders)
    with look():
        drawing = build(runs)
    say(*save(drawing, out))
    if unfinished:
        say(f"left out, not finished: {len(unfinished)} runs", to_stderr=True)
