"""Tabulate what wrong labels cost with each criterion: ecgmm label_noise outputs/label_noise.

Reads runs of `python -m ecgmm.train +experiment=label_noise`, whose test labels are right. Prints Markdown and saves
label_noise.md and label_noise.csv in the folder.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from ecgmm.reporting.command import run_on_folder, save_and_say
from ecgmm.reporting.escaping import markdown_text
from ecgmm.reporting.per_seed import Cells, gather, to_csv, to_markdown
from ecgmm.runs.facts import CROSS_ENTROPY
from ecgmm.runs.run import Run, find_runs

METRICS = {"test/auroc_macro": "AUROC", "test/accuracy": "accuracy", "test/ece": "ECE"}
_AS_THEY_ARE = "labels as they are"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return run_on_folder("label_noise", __doc__, "folder that holds the runs of label_noise", draw, arguments)


def draw(folder: Path) -> None:
    """Collect, print and save.

    Raises:
        UserError: If the folder holds no finished run.
    """
    runs, _ = find_runs([folder])
    data = "SYNTHETIC data. " if runs[0].facts.data.synthetic else ""
    seeds = sorted({run.seed for run in runs})
    note = (
        f"{data}Test split, whose labels are right; mean ± sd over seeds {seeds}; recipe {runs[0].facts.recipe}. "
        "Training and validation have the wrong labels."
    )
    texts, lines = [markdown_text(note)], ["metric," + to_csv({}).strip()]
    for key, name in METRICS.items():
        cells = gather((_row(run), _column(run), _value(run, key)) for run in runs)
        columns = sorted({column for _, column in cells}, key=lambda column: (column != _AS_THEY_ARE, column))
        texts.append(to_markdown(name, cells, columns))
        lines += [f"{name},{line}" for line in to_csv(cells).splitlines()[1:]]
        if name == "AUROC":
            texts += shares_of_the_loss(cells)
    text = "\n\n".join(part.strip() for part in texts) + "\n"
    save_and_say(folder, "label_noise", text, "\n".join(lines) + "\n")


def shares_of_the_loss(cells: Cells) -> list[str]:
    """What each criterion loses, as a share of what cross-entropy loses: 0 is nothing, 1 as much.

    Both are measured from cross-entropy with labels as they are.

    Args:
        cells: AUROC of all seeds by row and column.
    """
    sentences = []
    for (row, column), values in cells.items():
        method, _, criterion = row.partition(": ")
        clean = cells.get((f"{method}: {CROSS_ENTROPY}", _AS_THEY_ARE))
        plain = cells.get((f"{method}: {CROSS_ENTROPY}", column))
        if clean is None or plain is None or column == _AS_THEY_ARE or criterion == CROSS_ENTROPY:
            continue
        lost, lost_plain = mean(clean) - mean(values), mean(clean) - mean(plain)
        share = f", {lost / lost_plain:.2f} of it" if lost_plain > 0 else ""
        plainly = f"- {markdown_text(method)}, {column}: cross-entropy loses {lost_plain:.3f}"
        sentences.append(f"{plainly}, {markdown_text(criterion)} {lost:.3f}{share}.")
    return ["\n".join(sentences)] if sentences else []


def _value(run: Run, key: str) -> float:
    value = run.metrics[key].value
    return math.nan if value is None else value


def _row(run: Run) -> str:
    return f"{run.method}: {run.facts.criterion}"


def _column(run: Run) -> str:
    noise = run.facts.label_noise
    return _AS_THEY_ARE if noise is None or noise.rate == 0 else f"{noise.kind}, {100 * noise.rate:g} %"
