"""Rows of a table: to which one a run belongs, and whether runs belong in one table at all."""

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from omegaconf import OmegaConf

from ecgmm.configuration import options
from ecgmm.errors import UserError
from ecgmm.reporting.training_settings import common_settings, different_settings
from ecgmm.runs.facts import CROSS_ENTROPY
from ecgmm.runs.run import Run
from ecgmm.settings.label_sets import OWN_LABELS

NO_PAIRS = "two stages without the first"
CHOICES: dict[str, tuple[str | None, ...]] = {
    "ablation": (None, *options("ablation")),
    "text_policy": ("full", "masked", "shuffled", "none"),
    "text_at_test": ("report", "report withheld at test"),
    "stages": ("joint", "two stages", NO_PAIRS),
    "labels": (None,),
    "criterion": (CROSS_ENTROPY,),
    "init": ("random weights", "from a run", "from a run, frozen", "from a file", "from a file, frozen"),
}
"""Values of ``choices_of``, in the order in which a tie for the most common one is settled; others come after these."""
_ALWAYS_NAMED = "labels"
"""A table of nothing but wrong labels must say so too."""
WITHOUT_REPORT = "none"
_SAME_IN_A_TABLE = (
    "data.name",
    "data.fingerprint",
    "recipe",
    "size",
    "task",
    "labels.name",
    "labels.classes",
    "train_fraction",
    "label_fraction",
)


class RowKey(NamedTuple):
    """Identity of a row; sorting puts the common choices before variants, and a method before its readouts.

    Attributes:
        method: Name of the method.
        variant: Choices that are not the common ones of the table, in the order of ``CHOICES``, then settings of
            training that are not, such as ``trainer.max_epochs=24``.
        readout: Whose predictions are scored: empty for the method's own.
    """

    method: str
    variant: tuple[str, ...] = ()
    readout: str = ""

    @property
    def label(self) -> str:
        """The row's name in the table, such as ``ecg_clip + report, two stages``."""
        return ", ".join([" + ".join(filter(None, (self.method, self.readout))), *self.variant])


def choices_of(run: Run) -> dict[str, str | None]:
    """Choices in which runs of one method may differ within a table; None where one changes nothing for the method.

    A method that was published with pre-training on pairs learns from reports even where it predicts without.
    """
    facts = run.facts
    withheld = facts.text_at_test == "none"
    pairs = facts.two_stages and facts.learns_from_reports
    reads = "text" in facts.inputs_at_test or pairs or withheld
    stages = {"joint": "joint", "two": NO_PAIRS if run.config.get("pretrain_epochs") == 0 else "two stages"}
    return {
        "ablation": facts.ablation,
        "text_policy": facts.text_policy if reads else None,
        "text_at_test": "report withheld at test" if withheld else "report" if reads else None,
        "stages": stages[facts.stages] if facts.two_stages else None,
        "labels": wrong_labels_of(run),
        "criterion": facts.criterion,
        "init": beginning_of(run),
    }


def beginning_of(run: Run) -> str:
    """What the weights of a run were before training."""
    init = run.facts.init
    return "random weights" if init is None else f"from a {init.source}{', frozen' if init.frozen else ''}"


def wrong_labels_of(run: Run) -> str | None:
    """Words for labels that were made wrong on purpose; None where they are as they were."""
    noise = run.facts.label_noise
    return None if noise is None else f"{noise.kind} wrong labels {100 * noise.rate:g} %"


def common_choices(runs: Sequence[Run], *axes: str) -> dict[str, str | None]:
    """For each choice the value with which most methods were run; None where it concerns no method.

    With them what most say of each setting of training, but of ``axes``, in which the runs of a study differ.
    """
    counts = {
        name: Counter(value for _, value in {(run.method, choices_of(run)[name]) for run in runs}) for name in CHOICES
    }
    choices = {
        name: max(_in_order(counts[name], values), key=counts[name].__getitem__, default=None)
        for name, values in CHOICES.items()
    }
    return choices | common_settings(runs, *axes)


def _in_order(found: Counter[str | None], values: Sequence[str | None]) -> list[str | None]:
    return [*filter(found.__contains__, values), *sorted(value for value in found if value and value not in values)]


def row_key(run: Run, common: dict[str, str | None]) -> RowKey:
    """The row that a run belongs to in a table with these common choices."""
    variant = tuple(
        value
        for name, value in choices_of(run).items()
        if value is not None and (value != common[name] or name == _ALWAYS_NAMED)
    )
    return RowKey(run.method, (*variant, *different_settings(run, common)), run.readout)


def group_runs(runs: Sequence[Run], common: dict[str, str | None]) -> dict[RowKey, list[Run]]:
    """Runs and their readouts by row, in order of their seeds."""
    groups: dict[RowKey, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run.method, run.seed)):
        for one in (run, *run.readouts):
            groups.setdefault(row_key(one, common), []).append(one)
    return groups


def check_comparable(runs: Sequence[Run], *axes: str) -> None:
    """Make sure that all runs answer the same question on the same records, each row and seed once.

    Args:
        runs: Of a table or figure.
        axes: Keys of the configuration in which the runs of a study differ, such as ``train_fraction``; each row and
            seed then stands once for each of their values.

    Raises:
        UserError: Names the two run directories that do not go together, and in what they differ.
    """
    first, seen = runs[0], dict[tuple[RowKey, int, Any], Run]()
    common = common_choices(runs, *axes)
    for run in runs:
        for key in _SAME_IN_A_TABLE:
            ours, theirs = attrgetter(key)(first.facts), attrgetter(key)(run.facts)
            if ours != theirs and key not in axes:
                raise _cannot_mix(first, run, f"differ in {key} ({_short(ours)} and {_short(theirs)})")
        if run.facts.labels.name == OWN_LABELS and run.facts.labels.digest != first.facts.labels.digest:
            raise _cannot_mix(first, run, "differ in their labels (data.labels_csv, or how it was read)")
        if not np.array_equal(first.rows, run.rows):
            raise _cannot_mix(first, run, "were tested on different records")
        row = row_key(run, common)
        values = tuple(OmegaConf.select(run.config, axis) for axis in axes)
        twin = seen.setdefault((row, run.seed, values), run)
        if twin is not run:
            at = "".join(f", {axis}={value}" for axis, value in zip(axes, values, strict=True))
            raise _cannot_mix(twin, run, f"are both {row.label} with seed {run.seed}{at}")


def _cannot_mix(one: Run, other: Run, why: str) -> UserError:
    return UserError(f"{one.directory} and {other.directory} {why}; give folders whose runs belong in one table")


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
