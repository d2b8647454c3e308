"""Trials of a search over settings, by rungs of more and more epochs, and what is chosen among them."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import polars as pl

from ecgmm.errors import DataError, printable
from ecgmm.files import write_whole

FOLDER = "trials"
"""Folder of a search with a table of trials for each method."""
DEFAULT = 0
"""Number of the trial with the method's own settings."""


@dataclass(frozen=True)
class Trial:
    """One training run of a search.

    Attributes:
        method: The row of the table.
        trial: Number of its settings; 0 are the method's own.
        epochs: Epochs of the rung, each a whole schedule.
        val_auroc_macro: Macro AUROC of the best epoch on validation; None where the run failed.
        epoch_s: Seconds of the median epoch.
        run_s: Seconds of the whole run.
        settings: What was searched, as it is written on a command line.
        data: Data that the search looked at.
        commit: Of the code that trained it.
    """

    method: str
    trial: int
    epochs: int
    val_auroc_macro: float | None
    epoch_s: float | None
    run_s: float | None
    settings: str
    data: str
    commit: str | None

    @property
    def values(self) -> dict[str, str]:
        """Text of each setting by its key."""
        pairs = (text.partition("=") for text in self.settings.split())
        return {key: value for key, _, value in pairs}


def best_of(trials: Sequence[Trial]) -> list[Trial]:
    """Trials from the best to the worst; failed ones last, of equal ones the shorter, then the one that came first."""

    def rank(trial: Trial) -> tuple[bool, float, int, int]:
        value = trial.val_auroc_macro
        return value is None, -(value or 0.0), trial.epochs, trial.trial

    return sorted(trials, key=rank)


def survivors(trials: Sequence[Trial], n: int, with_default: bool) -> list[int]:
    """Numbers of the settings that the next rung trains, in their order.

    Args:
        trials: A method's trials of the rung before.
        n: Places of the next rung.
        with_default: Whether one place is that of the method's own settings, however they did in short training.
    """
    ranked = [trial.trial for trial in best_of(trials)]
    if with_default:
        ranked = [DEFAULT, *(number for number in ranked if number != DEFAULT)]
    return sorted(ranked[:n])


def chosen_of(trials: Sequence[Trial]) -> Trial:
    """The best trial of a method that was trained for more than the epochs of the first rung."""
    first = min(trial.epochs for trial in trials)
    return best_of([trial for trial in trials if trial.epochs > first])[0]


def default_of(trials: Sequence[Trial]) -> Trial:
    """The trial of a method with its own settings in the second rung, whose epochs are those of the recipe."""
    epochs = sorted({trial.epochs for trial in trials})[1]
    (default,) = [trial for trial in trials if (trial.trial, trial.epochs) == (DEFAULT, epochs)]
    return default


def budget_of(trials: Sequence[Trial]) -> dict[int, int]:
    """Number of a method's trials by their epochs."""
    epochs = [trial.epochs for trial in trials]
    return {number: epochs.count(number) for number in sorted(set(epochs))}


@dataclass(frozen=True)
class Rung:
    """One step of the search: how many of the settings of a row are trained, for how many epochs."""

    epochs: int
    settings: int


Train = Callable[[list[Trial]], list[Trial]]
"""Trains trials and returns them with their values."""


def search(planned: Mapping[str, Sequence[Trial]], rungs: Sequence[Rung], train: Train) -> dict[str, list[Trial]]:
    """Train all settings of all methods for a few epochs, the best of each for more, and so on.

    Args:
        planned: A trial of each of a method's settings by method, its own settings first.
        rungs: In their order; the first trains all settings.
        train: Called once a rung, with the trials of all methods.

    Returns:
        All trials of each method, in the order of the rungs.
    """
    done: dict[str, list[Trial]] = {method: [] for method in planned}
    staying = {method: list(range(len(trials))) for method, trials in planned.items()}
    for place, rung in enumerate(rungs):
        if place:
            before = rungs[place - 1].epochs
            for method, trials in done.items():
                last = [trial for trial in trials if trial.epochs == before]
                staying[method] = survivors(last, rung.settings, with_default=place == 1)
        wanted = [
            replace(planned[method][number], epochs=rung.epochs) for method in planned for number in staying[method]
        ]
        for trial in train(wanted):
            done[trial.method].append(trial)
    return done


def write_trials(file: Path, trials: Sequence[Trial]) -> None:
    """Write a table of trials as CSV."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    pl.DataFrame([asdict(trial) for trial in trials], schema=_SCHEMA).write_csv(content)
    write_whole(file, content.getvalue())


def read_trials(file: Path) -> list[Trial]:
    """Read a table of trials.

    Raises:
        DataError: If the file is none.
    """
    try:
        frame = pl.read_csv(file, schema=_SCHEMA, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{printable(file)} is no table of trials ({type(error).__name__})") from None
    return [Trial(**row) for row in frame.iter_rows(named=True)]


_TYPES = {int: pl.Int64, str: pl.String, float | None: pl.Float64, str | None: pl.String}
_SCHEMA = {one.name: _TYPES[one.type] for one in fields(Trial)}  # type: ignore[index]  # types, not their names
