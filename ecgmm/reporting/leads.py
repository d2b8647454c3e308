"""Tabulate macro AUROC against the leads that a method gets: ecgmm leads outputs/table2 [more folders].

Reads what `python -m ecgmm.evaluate run=... leads=[...]` has saved in run directories; `make leads` does both. A row
is a method, with what its runs do about lost leads. Prints Markdown and saves leads.md and leads.csv in the first
folder.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.errors import UserError
from ecgmm.files import write_whole
from ecgmm.leads import N_LEADS
from ecgmm.reporting.command import exit_code
from ecgmm.reporting.escaping import markdown_text
from ecgmm.reporting.per_seed import gather, to_csv, to_markdown
from ecgmm.runs.configuration import read_config
from ecgmm.runs.run import Run, find_runs

_KEY = "test/auroc_macro"
_ALL = f"all {N_LEADS}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm leads", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    folders = parser.parse_args(arguments).folders
    return exit_code(lambda: draw(folders))


def draw(folders: list[Path]) -> None:
    """Collect, print and save.

    Raises:
        UserError: If no run was evaluated with fewer leads.
    """
    runs = [run for run in find_runs(folders)[0] if list(_fewer_leads(run))]
    if not runs:
        raise UserError("no run was evaluated with fewer leads; do so with python -m ecgmm.evaluate run=... leads=[II]")
    measured = [(row_of(run), leads, value) for run in runs for leads, value in _values(run)]
    cells = gather(measured)
    columns = sorted({leads for _, leads, _ in measured}, key=_size)
    data = "SYNTHETIC data. " if runs[0].facts.data.synthetic else ""
    seeds = sorted({run.seed for run in runs})
    note = f"{data}Macro AUROC on the test split, mean ± sd over seeds {seeds}, recipe {runs[0].facts.recipe}."
    text = f"{markdown_text(note)}\n\n{to_markdown('leads at test', cells, columns)}"
    write_whole(folders[0] / "leads.md", text.encode())
    write_whole(folders[0] / "leads.csv", to_csv(cells).encode())
    say(*text.split("\n"))


def row_of(run: Run) -> str:
    """Name of a run's row: its method, and what it was told to do about lost leads and noise beyond the default."""
    config = read_config(run.directory, run.facts.files)
    waveform, augmentation = config.get("waveform") or {}, config.get("augmentation") or {}
    completion, highpass_hz = waveform.get("complete_leads", "none"), waveform.get("highpass_hz")
    said = {
        f"leads {completion}": completion != "none",
        "robust augmentation": str(augmentation.get("_target_")).endswith(".RobustAugmentation"),
        f"high-pass {highpass_hz} Hz": highpass_hz is not None,
        f"EMA {config.get('ema_decay')}": config.get("ema_decay") is not None,
    }
    return ", ".join([run.method, *(words for words, holds in said.items() if holds)])


def _size(leads: str) -> tuple[int, str]:
    return (N_LEADS if leads == _ALL else len(leads.split()), leads)


def _values(run: Run) -> Iterator[tuple[str, float]]:
    """Names of leads and macro AUROC, with all leads and with fewer."""
    yield _ALL, float(run.metrics[_KEY])
    yield from _fewer_leads(run)


def _fewer_leads(run: Run) -> Iterator[tuple[str, float]]:
    for metrics in (one for one in run.evaluations if one.adaptation is None):
        if metrics.leads is not None and metrics.external is None and _KEY in metrics:
            yield " ".join(metrics.leads), float(metrics[_KEY])
