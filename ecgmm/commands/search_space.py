"""Settings that a search tries: points of a Latin hypercube in the space that Hydra's own syntax of sweeps writes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep
from scipy.stats.qmc import LatinHypercube

from ecgmm.errors import ConfigError, printable

MOST_OWN = 2
"""Parameters that a row may have searched beside those of all rows."""


def points(space: Mapping[str, str], n_common: int, n: int, seed: int) -> list[dict[str, str]]:
    """Draw settings; those of the first ``n_common`` keys are the same whatever the others are.

    Args:
        space: Range of each key as Hydra writes it: ``tag(log, interval(0.001, 1))`` or ``choice(a, b)``.
        n_common: Keys that come first and are searched for every row.
        n: Number of points.
        seed: Of the hypercube (McKay et al. 1979): n points hit each n-th of every range once; swaps spread them.

    Returns:
        For each point the text of each setting.

    Raises:
        ConfigError: If a range cannot be read, or there are more than two keys beside the common ones.
    """
    if len(space) > n_common + MOST_OWN:
        raise ConfigError(
            f"a row has at most {MOST_OWN} searched parameters of its own; leave out some of {list(space)}"
        )
    # By the number of columns the points would differ: all are drawn, whether a row has so many keys or not.
    units = LatinHypercube(n_common + MOST_OWN, optimization="random-cd", seed=np.random.default_rng(seed)).random(n)
    ranges = {key: _range_of(key, text) for key, text in space.items()}
    return [
        {key: _at(sweep, float(unit)) for (key, sweep), unit in zip(ranges.items(), row, strict=False)} for row in units
    ]


def _range_of(key: str, text: str) -> IntervalSweep | ChoiceSweep:
    sweep = OverridesParser.create().parse_override(f"{key}={text}").value()
    if not isinstance(sweep, IntervalSweep | ChoiceSweep):
        raise ConfigError(f"{printable(key)} is searched in {printable(text)!r}; write interval(a, b) or choice(a, b)")
    return sweep


def _at(sweep: IntervalSweep | ChoiceSweep, unit: float) -> str:
    """Text of the value at a place in [0, 1) of a range, numbers to three digits."""
    if isinstance(sweep, ChoiceSweep):
        return setting_text(sweep.list[int(unit * len(sweep.list))])
    assert sweep.start is not None
    assert sweep.end is not None
    if "log" in sweep.tags:
        return f"{sweep.start * (sweep.end / sweep.start) ** unit:.3g}"
    return f"{sweep.start + (sweep.end - sweep.start) * unit:.3g}"


def setting_text(value: Any) -> str:
    """A value as it is written on a command line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
