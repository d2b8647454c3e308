"""Tabulate how well classes are told that no label taught: ecgmm zero_shot outputs/unseen_classes [more folders].

Reads finished contrastive runs: of classes that a run left out (`method.unseen_classes`), or with --labels of another
label set, by words as they were written and in words of training, beside controls without words and without a trained
waveform tower. Prints Markdown and saves zero_shot.md, zero_shot.csv (unrounded) and zero_shot_table.csv.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ecgmm.console.terminal import say
from ecgmm.data.store.splits import SPLITS
from ecgmm.reporting.command import exit_code
from ecgmm.runs.run import find_runs
from ecgmm.runs.store_of_run import STORES
from ecgmm.shared_space.retrieval import RESAMPLES, save_table
from ecgmm.shared_space.zero_shot_rows import DRAWS, LEAST_CASES, Asked, zero_shot
from ecgmm.shared_space.zero_shot_words import to_csv, to_markdown, to_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm zero_shot", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders that hold run directories, at any depth")
    parser.add_argument(
        "--labels",
        help="a label set that the runs were not trained for, such as rhythm; by default their unseen classes",
    )
    parser.add_argument("--split", choices=SPLITS, default="test", help="whose records (default test)")
    parser.add_argument(
        "--cases",
        type=int,
        default=LEAST_CASES,
        help=f"least records with a class, and without (default {LEAST_CASES})",
    )
    parser.add_argument(
        "--draws", type=int, default=DRAWS, help=f"random waveform towers for each run, 0 for none (default {DRAWS})"
    )
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"patient resamples (default {RESAMPLES})")
    parser.add_argument("--stores", type=Path, default=STORES, help="folder that holds stores (default stores/)")
    parser.add_argument("--out", type=Path, help="where to save; by default the first folder")
    options = parser.parse_args(arguments)
    for name, least in {"cases": 2, "draws": 0, "resamples": 1}.items():
        if getattr(options, name) < least:
            parser.error(f"--{name} must be at least {least}")
    return exit_code(lambda: draw(options))


def draw(options: argparse.Namespace) -> None:
    """Collect, print and save.

    Raises:
        UserError: As ``zero_shot``.
    """
    runs, unfinished = find_runs(options.folders)
    asked = Asked(options.labels, options.split, options.cases, options.draws, options.resamples)
    found = zero_shot(runs, options.stores, asked)
    name = "zero_shot" if options.labels is None else f"zero_shot_{found.labels}"
    save_table(options.out or options.folders[0], name, to_markdown(found), to_csv(found), to_table(found))
    if unfinished:
        say(f"left out, not finished: {len(unfinished)} runs", to_stderr=True)
