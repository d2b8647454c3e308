"""Labels of training and validation that are made wrong on purpose, to measure what a method makes of wrong labels.

Validation is disturbed too: who has wrong labels has no clean ones to choose an epoch by. Test stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.batches.targets import Targets
from ecgmm.errors import ConfigError, printable
from ecgmm.streams import Purpose, stream_seed


@dataclass(frozen=True)
class LabelNoise:
    """How labels are made wrong.

    Attributes:
        kind: ``symmetric`` (any other class, evenly), ``asymmetric`` (the next class, the first after the last) or
            ``confusable`` (the other class of its pair; classes without a pair stay). In a task of many classes a
            record ``symmetric`` takes a class from records that have it and gives it to as many that do not, so that
            classes stay as frequent as they were; the others move it.
        rate: Chance of a label to be changed, of those that can be.
        pairs: Classes that are taken for one another, for ``confusable``.
    """

    kind: str
    rate: float
    pairs: Sequence[Sequence[str]] = ()

    def transition(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """Chance ``[K, K]`` of each class (row) to be labelled as each (column).

        Raises:
            ConfigError: If there is one class, or a pair names none.
        """
        n = len(classes)
        if n < 2:
            raise ConfigError(f"label_noise.kind is {self.kind!r}; with the one class {printable(classes[0])} set none")
        if self.kind == "symmetric":
            return np.full((n, n), self.rate / (n - 1)) + np.eye(n) * (1 - self.rate - self.rate / (n - 1))
        other = np.arange(n)
        if self.kind == "asymmetric":
            other = np.roll(other, -1)
        else:
            for pair in self.pairs:
                if not set(pair) <= set(classes):
                    raise ConfigError(
                        f"label_noise.pairs is {printable([list(pair) for pair in self.pairs])}; pair classes of"
                        f" {', '.join(map(printable, classes))}"
                    )
                first, second = (list(classes).index(name) for name in pair)
                other[[first, second]] = second, first
        return np.eye(n) * (1 - self.rate) + np.eye(n)[other] * self.rate

    def disturb(self, targets: Targets, records: pl.DataFrame, seed: int) -> tuple[Targets, NDArray[np.bool_]]:
        """Change labels of training and validation; all windows of a record keep one label.

        What is drawn depends on nothing but the store and the seed, so that runs with other parts of the training
        patients have the same wrong labels.

        Args:
            targets: Of all rows of a store.
            records: Its table.
            seed: Of the run.

        Returns:
            The targets that training and validation see, and bool ``[N]`` or ``[N, K]``: labels that are others now.

        Raises:
            ConfigError: If the classes do not fit the kind.
        """
        transition = self.transition(targets.class_names)
        _, first, record = np.unique(records["record"].to_numpy(), return_index=True, return_inverse=True)
        draws = np.random.default_rng(stream_seed(Purpose.LABEL_NOISE, seed)).random((len(first), transition.shape[0]))
        may_change = targets.usable & records["split"].is_in(["train", "val"]).to_numpy()
        values = targets.values.copy()
        wrong: NDArray[Any]
        if values.ndim == 1:
            wrong = _drawn_class(transition[targets.values[first]], draws[:, :1])
        elif self.kind == "symmetric":
            wrong = _exchanged(targets.values[first], draws, self.rate, may_change[first])
        else:
            wrong = _moved(targets.values[first], draws, transition)
        values[may_change] = wrong[record[may_change]]
        return _with_values(targets, values)


def _drawn_class(chances: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """A class for each row of chances ``[n, K]``, from one number ``[n, 1]`` in [0, 1) each."""
    below = chances.cumsum(axis=1)[:, :-1] <= draws
    classes: NDArray[np.int64] = below.sum(axis=1)
    return classes


def _moved(
    labels: NDArray[np.float32], draws: NDArray[np.float64], transition: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Labels ``[n, K]`` in which each class that a record has is another one by chance; two may become one."""
    moved = np.zeros_like(labels)
    for k, chances in enumerate(transition):
        has = np.flatnonzero(labels[:, k] > 0)
        moved[has, _drawn_class(np.broadcast_to(chances, (len(has), len(chances))), draws[has, k, None])] = 1
    return moved


def _exchanged(
    labels: NDArray[np.float32], draws: NDArray[np.float64], rate: float, may_change: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Labels ``[n, K]`` in which a class has left some records for as many others."""
    exchanged = labels.copy()
    for k, chance in enumerate(draws.T):
        loses = (labels[:, k] > 0) & (chance < rate) & may_change
        without = np.flatnonzero((labels[:, k] == 0) & may_change)
        gains = without[np.argsort(chance[without])[: loses.sum()]]
        exchanged[loses, k], exchanged[gains, k] = 0, 1
    return exchanged


def _with_values(targets: Targets, values: NDArray[Any]) -> tuple[Targets, NDArray[np.bool_]]:
    """Targets with other labels; a soft target stays where its label did."""
    differs = values != targets.values
    if targets.training is targets.values:
        training = values
    else:
        hard = values if values.ndim == 2 else np.eye(len(targets.class_names), dtype=np.float32)[values]
        training = np.where(differs if values.ndim == 2 else differs[:, None], hard, targets.training)
    return replace(targets, values=values, training=training), differs
