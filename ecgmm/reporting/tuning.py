"""Show what a search chose for each row, and write it as settings: ecgmm tuning outputs/tuning.

Reads the tables of trials of `python -m ecgmm.train +experiment=tuning`, or one table of them all. Prints Markdown and
saves tuning.md, tuning.csv, all trials as tuning_trials.csv, and a file of settings for each row, which
`+tuned=ROW` reads when it stands in conf/tuned.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.console.terminal import say
from ecgmm.errors import DataError, UserError, printable
from ecgmm.files import write_whole
from ecgmm.reporting.command import exit_code, save_and_say
from ecgmm.reporting.escaping import csv_text, markdown_text
from ecgmm.runs.trials import FOLDER, Trial, budget_of, chosen_of, default_of, read_trials, write_trials

HEADER = ("row", "default AUROC", "tuned AUROC", "change", "epochs", "learning rate", "weight decay", "own parameters")
_COMMON = ("optimizer.lr", "optimizer.weight_decay")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="ecgmm tuning", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("trials", type=Path, help="folder of a search, or the table of its trials (CSV)")
    parser.add_argument("--out", type=Path, help="where to save; by default beside the trials")
    parser.add_argument("--conf", type=Path, help="where to write the settings of each row; by default OUT/tuned")
    options = parser.parse_args(arguments)
    out = options.out or (options.trials if options.trials.is_dir() else options.trials.parent)
    return exit_code(lambda: draw(options.trials, out, options.conf or out / "tuned"))


def draw(source: Path, out: Path, conf: Path) -> None:
    """Read trials, choose, print and save.

    Raises:
        UserError: If there are no trials, or rows had different budgets or data.
    """
    rows = read_rows(source)
    note = f"{_data_of(rows)} {_budget_words(rows)}"
    lines = sorted((_line(trials) for trials in rows.values()), key=lambda line: -float(line[2]))
    table = [HEADER, ("---",) * len(HEADER), *([markdown_text(cell) for cell in line] for line in lines)]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    csv = [f"# {note}", *(",".join(_quoted(cell) for cell in cells) for cells in (HEADER, *lines))]
    out.mkdir(parents=True, exist_ok=True)
    conf.mkdir(parents=True, exist_ok=True)
    for method, trials in rows.items():
        write_whole(conf / f"{method}.yaml", settings_file(trials).encode())
    write_trials(out / "tuning_trials.csv", [trial for trials in rows.values() for trial in trials])
    save_and_say(out, "tuning", f"{text}\n\n{markdown_text(note)}\n", "\n".join(csv) + "\n")
    say(f"saved {out / 'tuning'}.md, .csv, tuning_trials.csv and {len(rows)} rows in {conf}")


def read_rows(source: Path) -> dict[str, list[Trial]]:
    """Trials of each row, of a folder of a search or of one table.

    Raises:
        UserError: If there are none, or rows had different budgets or data, so that no fair table comes of them.
    """
    files = sorted((source / FOLDER).glob("*.csv")) if source.is_dir() else [source]
    trials = [trial for file in files for trial in read_trials(file)]
    if not trials:
        raise UserError(
            f"{printable(source)} holds no finished search; python -m ecgmm.train +experiment=tuning makes one"
        )
    rows: dict[str, list[Trial]] = {}
    for trial in trials:
        rows.setdefault(trial.method, []).append(trial)
    first = next(iter(rows))
    for method, one in rows.items():
        if budget_of(one) != budget_of(rows[first]) or {t.data for t in one} != {t.data for t in rows[first]}:
            raise UserError(
                f"{printable(first)} and {printable(method)} were searched with different budgets or data"
                f" ({_budget_words({first: rows[first]})} and {_budget_words({method: one})}); search one of them again"
            )
        if chosen_of(one).val_auroc_macro is None:
            raise DataError(f"no trial of {printable(method)} came to its end; mend what error.log of its runs says")
    return rows


def settings_file(trials: Sequence[Trial]) -> str:
    """Content of ``conf/tuned/<row>.yaml``: the settings that were chosen, and why."""
    best, default = chosen_of(trials), default_of(trials)
    groups, values = _parted(best.values)
    tree = OmegaConf.create()
    for key, value in {**values, "trainer.max_epochs": str(best.epochs)}.items():
        OmegaConf.update(tree, key, OmegaConf.create(f"value: {value}").value)
    head = [
        "# @package _global_",
        f"# {best.method} with settings that a search chose. Written by `ecgmm tuning`, not by hand.",
        f"# Macro AUROC on validation {_number(best)} after {best.epochs} epochs, of the method's own settings"
        f" {_number(default)} after {default.epochs}.",
        f"# Settings number {best.trial}; {_budget_words({best.method: trials})}; {best.data}, commit {best.commit}.",
        "defaults:",
        "  - override /recipe: quick",
        f"  - override /method: {best.method}",
        *(f"  - override /{group}: {choice}" for group, choice in groups.items()),
        "recipe: tuned",
    ]
    return "\n".join(head) + "\n" + OmegaConf.to_yaml(tree)


def _parted(settings: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Choices of groups, and values of keys."""
    groups = {key: value for key, value in settings.items() if (CONF_DIR / key).is_dir()}
    return groups, {key: value for key, value in settings.items() if key not in groups}


def _line(trials: Sequence[Trial]) -> tuple[str, ...]:
    best, default = chosen_of(trials), default_of(trials)
    own = {key: value for key, value in best.values.items() if key not in _COMMON}
    before = default.values
    words = [
        f"{key.removeprefix('method.')} {value}" + (f" ({before[key]})" if before[key] != value else "")
        for key, value in own.items()
    ]
    gain = (best.val_auroc_macro or 0.0) - (default.val_auroc_macro or 0.0)
    common = (best.values[key] for key in _COMMON)
    return (best.method, _number(default), _number(best), f"{gain:+.3f}", str(best.epochs), *common, "; ".join(words))


def _number(trial: Trial) -> str:
    return "failed" if trial.val_auroc_macro is None else f"{trial.val_auroc_macro:.3f}"


def _budget_words(rows: Mapping[str, Sequence[Trial]]) -> str:
    budget = budget_of(next(iter(rows.values())))
    parts = ", ".join(f"{n} of {epochs} epochs" for epochs, n in budget.items())
    return f"{sum(budget.values())} trials a row ({parts})"


def _data_of(rows: Mapping[str, Sequence[Trial]]) -> str:
    trials = [trial for one in rows.values() for trial in one]
    commits = ", ".join(sorted({trial.commit or "unknown" for trial in trials}))
    hours = sum(trial.run_s or 0.0 for trial in trials) / 3600
    synthetic = "SYNTHETIC data" if "data.name=synthetic" in trials[0].data else "data"
    return (
        f"Macro AUROC on validation, {synthetic} ({trials[0].data}), one seed a trial; in brackets the method's own"
        f" value where the choice differs; commit {commits}; {hours:.1f} hours of training in all."
    )


def _quoted(cell: str) -> str:
    return json.dumps(csv_text(cell), ensure_ascii=False) if "," in cell else csv_text(cell)
