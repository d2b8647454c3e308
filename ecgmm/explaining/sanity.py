"""Checks of an explanation that a reviewer asks for: it hangs on the weights, it is faithful, it adds up.

Randomised weights: Adebayo et al., "Sanity checks for saliency maps" (NeurIPS 2018). Deletion and insertion: Petsiuk,
Das, Saenko, "RISE" (BMVC 2018). Completeness: Sundararajan et al. (ICML 2017), which only integrated gradients promise.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ecgmm.evaluation.bootstrap import percentile_interval
from ecgmm.evaluation.seeds import t_interval
from ecgmm.explaining.attribution import Attribution, attribute, baselines
from ecgmm.explaining.target import ClassLogOdds
from ecgmm.runs.loading import SavedModel
from ecgmm.types import Batch

Floats = NDArray[np.float64]

N_DRAWS = 10
"""Draws of randomised weights."""
MOST_ALIKE = 0.5
"""Rank correlation that the maps of randomised weights must stay below."""
N_ORDERS, N_SHARES = 20, 20
"""Random orders, of which the largest alone is passed by chance in 1 of 21; and steps of a curve."""
LEAST_RISE = 0.1
"""By how much the record's probability must exceed the baseline's for insertion to say something: a flat ECG beside a
normal report is as normal as the record itself, and there is nothing to bring back."""
UNIT_S = 0.1
"""Length of what is deleted at once in one lead."""
RELATIVE_GAP, ABSOLUTE_GAP = 0.05, 0.02
"""Gap of the sum that passes: a share of the difference, or nats where there is hardly a difference."""


@dataclass(frozen=True)
class Completeness:
    """Whether the values add up to what they explain, in nats."""

    total: float
    difference: float

    @property
    def passes(self) -> bool:
        """Whether the gap is within the tolerance."""
        gap = abs(self.total - self.difference)
        return gap <= max(RELATIVE_GAP * abs(self.difference), ABSOLUTE_GAP)


@dataclass(frozen=True)
class Randomisation:
    """How alike the map is to those of the same network with shuffled weights.

    Attributes:
        signed: Rank correlation (Spearman) of each draw's map with the map.
        absolute: The same without signs: what stays of it hangs on the record, as its amplitudes do, and not on what
            was learned.
    """

    signed: tuple[float, ...]
    absolute: tuple[float, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean of ``signed`` (Student's t over draws)."""
        found = t_interval(self.signed)
        return found.low, found.high

    @property
    def passes(self) -> bool:
        """Whether the interval of the mean lies below ``MOST_ALIKE``, on both sides of 0."""
        return max(map(abs, self.interval)) < MOST_ALIKE


@dataclass(frozen=True)
class Curves:
    """Probability of the class while parts are deleted, or inserted, by attribution and at random.

    Attributes:
        half: ``waveform`` or ``words``.
        deletion: ``[N_SHARES + 1]``, from the record to its baseline, the most telling parts first.
        insertion: From the baseline to the record, the most telling parts first.
        random_deletion: ``[N_ORDERS, N_SHARES + 1]``, in random orders.
        random_insertion: As ``random_deletion``.
    """

    half: str
    deletion: Floats
    insertion: Floats
    random_deletion: Floats
    random_insertion: Floats

    @property
    def deletion_gain(self) -> float:
        """Mean area of random deletion less that of deletion by attribution; above 0 is faithful."""
        return float(area(self.random_deletion).mean() - area(self.deletion))

    @property
    def insertion_gain(self) -> float:
        """Area of insertion by attribution less the mean area of random insertion; above 0 is faithful."""
        return float(area(self.insertion) - area(self.random_insertion).mean())

    @property
    def rises(self) -> bool:
        """Whether insertion has something to bring back (``LEAST_RISE``)."""
        return bool(self.insertion[-1] - self.insertion[0] >= LEAST_RISE)

    @property
    def passes(self) -> bool:
        """Whether deletion lies below, and insertion where it rises above, the area of every random order."""
        below = area(self.deletion) < area(self.random_deletion).min()
        above = area(self.insertion) > area(self.random_insertion).max()
        return bool(below and (above or not self.rises))


@dataclass(frozen=True)
class Sanity:
    """All checks of one explanation; ``completeness`` is None for occlusion, which promises no sum."""

    randomisation: Randomisation
    curves: tuple[Curves, ...]
    completeness: Completeness | None


def check_sanity(
    model: SavedModel, batch: Batch, class_index: int, method: str, attribution: Attribution, seed: int = 0
) -> Sanity:
    """Make all checks of an explanation.

    Args:
        model: The model that was explained.
        batch: The record, prepared.
        class_index: The class that was explained.
        method: Of the attribution.
        attribution: What ``attribute`` found.
        seed: Of shuffled weights and random orders.
    """
    return Sanity(
        randomise(model, batch, class_index, method, attribution, seed),
        tuple(deletion_and_insertion(model, batch, class_index, attribution, seed)),
        completeness(attribution) if method == "integrated_gradients" else None,
    )


def completeness(attribution: Attribution) -> Completeness:
    """Compare the sum of all values with what separates the record from the baseline."""
    total = sum(float(part.sum()) for part in (attribution.waveform, attribution.words) if part is not None)
    return Completeness(total, attribution.log_odds - attribution.baseline_log_odds)


def randomise(
    model: SavedModel, batch: Batch, class_index: int, method: str, attribution: Attribution, seed: int = 0
) -> Randomisation:
    """Explain the same class of the same record by networks whose weights are shuffled within each tensor.

    Shuffling keeps the scale of every layer and takes only what was learned. Where there is a waveform, its map is
    compared, else that of the words.
    """
    own = _map(attribution)
    signed, absolute = [], []
    for draw in range(N_DRAWS):
        other = replace(model, method=deepcopy(model.method))
        shuffle(other, torch.Generator().manual_seed(seed * N_DRAWS + draw))
        found = _map(attribute(other, batch, class_index, method))
        signed.append(float(spearmanr(own, found).statistic))
        absolute.append(float(spearmanr(np.abs(own), np.abs(found)).statistic))
    return Randomisation(tuple(signed), tuple(absolute))


def deletion_and_insertion(
    model: SavedModel, batch: Batch, class_index: int, attribution: Attribution, seed: int = 0
) -> list[Curves]:
    """Delete and insert parts of each half in the order of their values and in random orders; the other half stays.

    Parts of the waveform are ``UNIT_S`` of one lead, those of the report its tokens.
    """
    halves = [("waveform", attribution.waveform), ("words", attribution.words)]
    target, origin = ClassLogOdds(model, batch, class_index), baselines(model, batch)
    found = []
    for half, values in halves:
        if values is None:
            continue
        units = _units(values.shape, model.facts.store.rate_hz)
        order = np.argsort(-np.bincount(units.ravel(), values.ravel()), kind="stable")
        rng = np.random.default_rng(seed)
        orders = [order, *(rng.permutation(len(order)) for _ in range(N_ORDERS))]
        curves = {}
        for way in ("deletion", "insertion"):
            rows = [_curve(target, batch, origin, half, units, one, way == "insertion") for one in orders]
            curves[way] = np.stack(rows)
        found.append(
            Curves(half, curves["deletion"][0], curves["insertion"][0], curves["deletion"][1:], curves["insertion"][1:])
        )
    return found


def area(curves: Floats) -> Floats:
    """Area under curves ``[..., N_SHARES + 1]`` over shares from 0 to 1, by trapezoids."""
    found: Floats = np.asarray(np.trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1))
    return found


def random_interval(curves: Floats) -> tuple[float, float]:
    """Central 95 % of the areas of random orders."""
    return percentile_interval(area(curves))


def _map(attribution: Attribution) -> NDArray[np.float32]:
    values = attribution.words if attribution.waveform is None else attribution.waveform
    assert values is not None
    return values.ravel()


def shuffle(model: SavedModel, generator: torch.Generator) -> None:
    """Put the weights of each tensor of a model into a random order."""
    with torch.no_grad():
        for weights in model.method.parameters():
            order = torch.randperm(weights.numel(), generator=generator)
            weights.copy_(weights.flatten()[order].view_as(weights))


def _units(shape: tuple[int, ...], rate_hz: float) -> NDArray[np.int64]:
    """Number of the part that each value belongs to, of the shape of the values."""
    if len(shape) == 1:
        return np.arange(shape[0])
    length = max(1, round(UNIT_S * rate_hz))
    of_time = np.arange(shape[1]) // length
    units: NDArray[np.int64] = of_time + np.arange(shape[0])[:, None] * (of_time[-1] + 1)
    return units


def _curve(
    target: ClassLogOdds,
    batch: Batch,
    origin: tuple[torch.Tensor, torch.Tensor],
    half: str,
    units: NDArray[np.int64],
    order: NDArray[np.int64],
    insertion: bool,
) -> Floats:
    """Probability at each share of parts that is deleted or inserted in an order, ``[N_SHARES + 1]``."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    n_done = np.rint(np.linspace(0, len(order), N_SHARES + 1))
    done = rank[units] < n_done.reshape(-1, *[1] * units.ndim)
    shown = torch.from_numpy(done == insertion)
    waveforms = batch.waveforms.expand(len(shown), -1, -1)
    token_ids = batch.token_ids.expand(len(shown), -1)
    if half == "waveform":
        waveforms = torch.where(shown, waveforms, origin[0])
    else:
        token_ids = torch.where(shown, token_ids, origin[1])
    with torch.inference_mode():
        probability: Floats = target(waveforms, token_ids).double().sigmoid().numpy()
    return probability
