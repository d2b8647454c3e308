"""Successive halving: rungs and choices by hand, a search that is interrupted, and the trials that are committed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ecgmm.configuration import CONF_DIR
from ecgmm.errors import DataError
from ecgmm.reporting.tuning import read_rows, settings_file
from ecgmm.runs.trials import (
    Rung,
    Trial,
    best_of,
    budget_of,
    chosen_of,
    default_of,
    read_trials,
    search,
    write_trials,
)

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "results" / "data" / "tuning_trials.csv"
RUNGS = (Rung(1, 5), Rung(3, 3), Rung(6, 2))
# Validation AUROC of each of five settings after 1, 3 and 6 epochs; settings 4 fail at once.
VALUES = {0: (0.60, 0.80, 0.79), 1: (0.70, 0.75, 0.0), 2: (0.65, 0.70, 0.0), 3: (0.71, 0.82, 0.81), 4: (None, 0.0, 0.0)}
DONE = {(n, rung.epochs): value for n, row in VALUES.items() for rung, value in zip(RUNGS, row, strict=True)}


def planned(method: str) -> list[Trial]:
    return [Trial(method, n, 0, None, None, None, f"optimizer.lr=0.{n}", "data.seed=7", None) for n in range(5)]


def known(trials: Sequence[Trial]) -> list[Trial]:
    return [replace(trial, val_auroc_macro=DONE[trial.trial, trial.epochs]) for trial in trials]


def numbers(trials: Sequence[Trial]) -> list[tuple[int, int]]:
    return [(trial.epochs, trial.trial) for trial in trials]


def test_the_best_go_on_and_the_own_settings_reach_the_second_rung() -> None:
    asked: list[int] = []

    def train(trials: list[Trial]) -> list[Trial]:
        asked.append(len(trials))
        return known(trials)

    done = search({"a": planned("a"), "b": planned("b")}, RUNGS, train)
    assert asked == [10, 6, 4]  # all methods together
    assert numbers(done["a"]) == [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (3, 0), (3, 1), (3, 3), (6, 0), (6, 3)]
    assert numbers(done["b"]) == numbers(done["a"])
    assert numbers([chosen_of(done["a"]), default_of(done["a"])]) == [(3, 3), (3, 0)]
    assert budget_of(done["a"]) == {1: 5, 3: 3, 6: 2}


def test_equal_trials_are_won_by_the_shorter_then_by_the_first() -> None:
    trials = [replace(planned("a")[n], epochs=epochs, val_auroc_macro=0.5) for n, epochs in ((3, 6), (2, 3), (1, 3))]
    assert numbers(best_of([*trials, planned("a")[0]])) == [(3, 1), (3, 2), (6, 3), (0, 0)]


def test_a_choice_is_never_of_the_first_rung() -> None:
    trials = [
        replace(planned("a")[n], epochs=e, val_auroc_macro=v) for n, e, v in ((0, 1, 0.9), (0, 3, 0.6), (1, 3, 0.7))
    ]
    assert numbers([chosen_of(trials)]) == [(3, 1)]


@pytest.mark.parametrize("stops_after", range(10))
def test_a_search_that_is_killed_goes_on_and_ends_the_same(stops_after: int) -> None:
    """The trainer of the test keeps what it has trained, as run directories do."""
    kept: dict[tuple[int, int], Trial] = {}

    def trainer(most: int) -> Callable[[list[Trial]], list[Trial]]:
        def train(trials: list[Trial]) -> list[Trial]:
            for trial in trials:
                if (trial.trial, trial.epochs) not in kept:
                    if len(kept) == most:
                        raise KeyboardInterrupt
                    (kept[trial.trial, trial.epochs],) = known([trial])
            return [kept[trial.trial, trial.epochs] for trial in trials]

        return train

    with pytest.raises(KeyboardInterrupt):
        search({"a": planned("a")}, RUNGS, trainer(stops_after))
    assert search({"a": planned("a")}, RUNGS, trainer(100)) == search({"a": planned("a")}, RUNGS, known)
    assert len(kept) == 10


def test_a_table_of_trials_is_read_as_it_was_written(tmp_path: Path) -> None:
    trials = [*known(planned("a")[:0]), *planned("b"), replace(planned("c")[0], val_auroc_macro=1 / 3, commit="abc")]
    write_trials(tmp_path / "trials.csv", trials)
    assert read_trials(tmp_path / "trials.csv") == trials
    (tmp_path / "other.csv").write_text("method,trial\na,b\n")
    with pytest.raises(DataError, match=r"other\.csv is no table of trials"):
        read_trials(tmp_path / "other.csv")


@pytest.mark.skipif(not COMMITTED.exists(), reason="no search is committed yet")
def test_every_row_of_the_committed_search_had_the_same_budget_and_its_choices_are_those_of_the_settings() -> None:
    rows = read_rows(COMMITTED)  # refuses rows of different budgets or data
    assert {tuple(budget_of(trials).items()) for trials in rows.values()} == {((4, 12), (12, 4), (24, 2))}
    files = {path.stem: path.read_text(encoding="utf-8") for path in (CONF_DIR / "tuned").glob("*.yaml")}
    assert files == {method: settings_file(trials) for method, trials in rows.items()}
