"""Tabulate the AUROC of classes whose labels were never seen: ecgmm unseen outputs/unseen_classes.

Puts each class's own AUROC with its labels left out beside its AUROC with all labels, from runs of
`python -m ecgmm.train +experiment=unseen_classes`. Prints Markdown and saves unseen.md and unseen.csv in the folder.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import ListConfig, OmegaConf

from ecgmm.errors import UserError, printable
from ecgmm.reporting.command import run_on_folder, save_and_say
from ecgmm.reporting.escaping import markdown_text
from ecgmm.reporting.per_seed import gather, to_csv, to_markdown
from ecgmm.runs.run import Run, find_runs

_ALL_LABELS = "all labels"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return run_on_folder("unseen", __doc__, "folder that holds the runs of unseen_classes", draw, arguments)


def draw(folder: Path) -> None:
    """Collect, print and save.

    Raises:
        UserError: If the folder holds no finished run.
    """
    runs, _ = find_runs([folder])
    cells = gather(value for run in runs for value in _values(run))
    data = "SYNTHETIC data. " if runs[0].facts.data.synthetic else ""
    seeds = sorted({run.seed for run in runs})
    note = f"{data}AUROC of each class on the test split, mean ± sd over seeds {seeds}, {runs[0].method}."
    columns = list(dict.fromkeys(column for _, column in cells))
    text = f"{markdown_text(note)}\n\n{to_markdown('labels of training', cells, columns)}"
    save_and_say(folder, "unseen", text, to_csv(cells))


def _values(run: Run) -> Iterator[tuple[str, str, float]]:
    """The AUROC of every class for a run with all labels, that of the unseen classes for the others."""
    unseen = OmegaConf.select(run.config, "method.unseen_classes")
    auroc = {row.name: math.nan if row.auroc is None else row.auroc for row in run.metrics.per_class}
    if not isinstance(unseen, ListConfig) or not set(unseen) <= set(auroc):
        raise UserError(f"{printable(run.directory)} is no run of +experiment=unseen_classes; give the folder of those")
    for name in unseen or auroc:
        yield "without labels of the class" if unseen else _ALL_LABELS, name, auroc[name]
