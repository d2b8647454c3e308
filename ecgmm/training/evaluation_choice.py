"""Choice of what an evaluation predicts, and how it is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from omegaconf import DictConfig

from ecgmm.data.batches.class_match import read_class_map
from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.runs.configuration import EvaluationSettings
from ecgmm.runs.facts import Task

ALL = "all"
"""In place of a split: the records of all three."""
ScalingChoice = Literal["temperature", "vector"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Choice of what is predicted, and how it is measured.

    Attributes:
        split: ``train``, ``val``, ``test``, or ``all`` for the three together.
        leads: Names of the leads that the method gets, the others are missing; None for all.
        allow_leaky: Whether labels from the report may meet the full report as input; the metrics then say so.
        labels: Label set of the store; None takes the run's.
        label_settings: Settings ``labels`` of that set; None takes the run's.
        priority: Order of its classes, for the selection ``priority``; None takes the run's.
        task: The task that the labels are for, which must be the run's; None asks nothing.
        selection: Which records take part, by their number of classes; None takes the run's.
        class_map: Class of the model by class of the store, where names differ.
        shared_patients: ``refuse`` or ``drop`` patients of the run's training and validation.
        recalibrate: Share of the patients whom thresholds and temperature are fitted anew on; None for no such thing.
        recalibration_seed: Of the hash that chooses them.
        recalibrate_by: What is fitted anew beside thresholds, ``temperature`` or ``vector``.
        adapt: Names of ``adaptation.ADAPTATIONS``: what is adapted to the records, without their labels.
        conformal: Coverage of sets of classes; None for no sets.
        name: Of the files of the result; None names them after store, split and the like.

    Raises:
        ConfigError: If there is no such split or way to treat shared patients, or the share is none.
    """

    split: str = "test"
    leads: Sequence[str] | None = None
    allow_leaky: bool = False
    labels: str | None = None
    label_settings: Mapping[str, Any] | None = None
    priority: Sequence[str] | None = None
    task: str | None = None
    selection: str | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    shared_patients: str = "refuse"
    recalibrate: float | None = None
    recalibration_seed: int = 0
    recalibrate_by: ScalingChoice = "temperature"
    adapt: Sequence[str] = ()
    conformal: float | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("split", self.split, (*SPLITS, ALL)),
            ("shared_patients", self.shared_patients, ("refuse", "drop")),
        ):
            if value not in choices:
                raise ConfigError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
        if self.recalibrate is not None and not 0 < self.recalibrate < 1:
            raise ConfigError(f"recalibrate is {self.recalibrate}; it must be a share in (0, 1)")

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits whose records are measured."""
        return SPLITS if self.split == ALL else (self.split,)

    @property
    def takes_own_labels(self) -> bool:
        """Whether the labels are those that the run was trained for."""
        return self.labels is None and self.selection is None and not self.class_map

    def settings(self, of_run: EvaluationSettings, task: Task) -> EvaluationSettings:
        """Settings of a run, changed as chosen.

        Args:
            of_run: The settings.
            task: The run's task.

        Raises:
            ConfigError: If the choice is for another task.
        """
        if self.task not in (None, task):
            raise ConfigError(f"task is {self.task} and the run was trained for {task}; leave task to the run")
        changed: dict[str, Any] = {}
        if self.selection is not None:
            changed["task"] = of_run.task.model_copy(update={"selection": self.selection})
        if self.priority is not None:
            changed["labels"] = of_run.labels.model_copy(update={"priority": list(self.priority)})
        return of_run.model_copy(update=changed)

    def file_name(self, store: Store) -> str:
        """Name of the files of the result, without their ending."""
        leads = None if self.leads is None else "+".join(self.leads)
        told_apart = "-".join(filter(None, (store.path.resolve().name, self.split, self.labels, leads)))
        if not self.adapt:
            return self.name or told_apart
        return f"{self.name}_adapted" if self.name else f"{told_apart}_adapted-{'+'.join(self.adapt)}"


def choice_of(labels: DictConfig | None, task: DictConfig | None, classes: DictConfig, **others: Any) -> Choice:
    """The choice that settings of ``evaluate`` stand for.

    Args:
        labels: Group of settings, or None for the run's.
        task: Group of settings, or None for the run's.
        classes: Group of settings.
        others: Those that are called as in ``Choice``.

    Raises:
        DataError: If ``classes.map`` names a file that is none.
    """
    return Choice(
        adapt=others.pop("adapt", None) or (),
        labels=None if labels is None else labels.name,
        label_settings=labels,
        priority=None if labels is None else list(labels.priority),
        task=None if task is None else task.name,
        selection=None if task is None else task.selection,
        class_map=read_class_map(classes.map),
        **others,
    )
