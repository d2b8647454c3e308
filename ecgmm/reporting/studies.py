"""Runs along one axis of a study: what each figure of a sweep needs to know of them."""

from collections.abc import Callable, Sequence

import numpy as np
from omegaconf import OmegaConf

from ecgmm.errors import UserError, printable
from ecgmm.reporting.grouping import check_comparable
from ecgmm.runs.run import Run

_TESTED = "val/auroc_macro"
Values = dict[float, list[float]]
"""One number per seed for each setting."""


def setting(run: Run, axis: str) -> float:
    """Value of a key of the configuration."""
    return float(OmegaConf.select(run.config, axis))


def check_study(runs: Sequence[Run], axis: str, command: str) -> None:
    """Make sure that runs go together but for one key, of which there are several values.

    Raises:
        UserError: Names what does not fit; ``command`` makes the runs that do.
    """
    if not runs:
        raise UserError(f"no run belongs to a study of {axis}; train them with {command}")
    check_comparable(runs, axis)
    settings = sorted({setting(run, axis) for run in runs})
    if len(settings) < 2:
        raise UserError(
            f"all runs have {axis}={settings[0]:g} and a study needs several values; train them with {command}"
        )


def per_setting(runs: Sequence[Run], axis: str, value: Callable[[Run], float]) -> Values:
    """Gather one number of each run by setting, in rising order."""
    values: Values = {}
    for run in sorted(runs, key=lambda run: (setting(run, axis), run.seed)):
        values.setdefault(setting(run, axis), []).append(value(run))
    return values


def in_best_epoch(run: Run, column: str) -> float:
    """A number of history.csv in the epoch with the best validation macro AUROC, whose checkpoint was tested.

    Raises:
        UserError: If the run's history has no such number.
    """
    history = run.history
    if not {column, _TESTED} <= set(history.columns) or not history[_TESTED].is_finite().any():
        raise UserError(f"{printable(run.directory)} has no {column} in history.csv; train the run again")
    value = history[column][int(np.nanargmax(history[_TESTED].to_numpy()))]
    return float("nan") if value is None else float(value)


def band_words(runs: Sequence[Run]) -> str:
    """Sentence of a caption about the bands."""
    n = len({run.seed for run in runs})
    if n == 1:
        return "One seed: there are no bands, and differences may be chance."
    return f"Bands: 95 % t interval of the mean over {n} seeds; faint dots: single seeds."
