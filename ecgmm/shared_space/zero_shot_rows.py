"""The numbers of zero-shot recognition: every reading of every set of unseen classes, over seeds and patients."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from ecgmm.building import construct
from ecgmm.data.batches.targets import make_targets
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.errors import ConfigError, UserError, printable
from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.metrics import Scorer, joint_scorer, positives
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.replicates import replicated_estimates
from ecgmm.evaluation.stacking import areas_scorer, choose_offset, stacking_scorer
from ecgmm.models.heard_prompts import HeardDescription, heard_descriptions
from ecgmm.runs.run import Run
from ecgmm.shared_space import readings
from ecgmm.shared_space.opening import Opened, Records, open_run
from ecgmm.training.shared_patients import refuse_shared

ALONE = "the same, each class by itself"
WITH_LABELS = "with labels of all classes"
LEAST_CASES, DRAWS = 10, 5
BOOTSTRAP_SEED = 0
STACKED = "stacked/"
"""Before the measures behind an offset."""


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        labels: Settings of a label set that runs were not trained for; None for the classes that runs left out.
        least_cases: Least records with a class of ``labels``, and without.
        n_draws: Random waveform towers for each run.
        n_resamples: Patient resamples.
    """

    labels: DictConfig | None = None
    least_cases: int = LEAST_CASES
    n_draws: int = DRAWS
    n_resamples: int = 1000


@dataclass(frozen=True)
class Line:
    """One reading of some classes by one method.

    Attributes:
        method: Name of the method.
        classes: The classes that no label taught.
        reading: How they are read.
        n_runs: Runs, or random towers, that the mean is over.
        values: ``auroc_macro``, ``auroc/<class>``, and of a task of one class a record ``seen``, ``unseen`` and
            ``harmonic``, behind ``STACKED`` with the offset.
    """

    method: str
    classes: tuple[str, ...]
    reading: str
    n_runs: int
    values: dict[str, Estimate]


@dataclass(frozen=True)
class ZeroShot:
    """All that was measured.

    Attributes:
        runs: The runs.
        labels: Name of the label set of the classes.
        lines: All readings.
        heard: What stands for each description of these classes in words of training.
        measured: Words for the records.
        asked: How.
        without: Methods without a shared space.
    """

    runs: list[Run]
    labels: str
    lines: list[Line]
    heard: list[HeardDescription]
    measured: str
    asked: Asked
    without: list[str]


@dataclass
class _Measured:
    """Scorers of one line, one for each run, all on records of the same patients."""

    patients: NDArray[np.int64]
    scorers: list[Scorer] = field(default_factory=list)


_Lines = dict[tuple[str, tuple[str, ...], str], _Measured]


def zero_shot(runs: Sequence[Run], records: Records, asked: Asked) -> ZeroShot:
    """Measure finished runs.

    Args:
        runs: Such as ``find_runs`` returns.
        records: Whose classes are told.
        asked: What is measured.

    Raises:
        UserError: If the runs were tested on different records, or none of them fits what is asked.
        ConfigError: If another store lacks classes of the runs.
        DataError: If a file of a run is damaged, or the store is not there.
    """
    _check_same_records(runs)
    lines: _Lines = {}
    measured: list[Run] = []
    taught: list[Opened] = []
    heard: dict[tuple[str, str], HeardDescription] = {}
    without: set[str] = set()
    on = ""
    for run in runs:
        opened = open_run(run, records)
        if opened is None:
            without.add(run.method)
        elif asked.labels is not None and not opened.method.unseen_classes:
            rows, found = _of_label_set(opened, asked, lines)
            on = opened.measured_on(rows)
            heard |= {(one.class_name, one.written): one for one in found}
            measured.append(run)
        elif asked.labels is None:
            _require_all_classes(opened)
            on = opened.measured_on(opened.rows)
            unseen = opened.method.unseen_classes
            if unseen:
                _of_unseen(opened, asked, lines)
                found = [one for one in heard_descriptions(opened.texts) if one.class_name in unseen]
                heard |= {(one.class_name, one.written): one for one in found}
            else:
                taught.append(opened)
            measured.append(run)
    if not lines:
        raise UserError(_nothing(runs, asked, without))
    for opened in taught:
        _of_all_labels(opened, lines)
    name = measured[0].facts.labels.name if asked.labels is None else str(asked.labels.name)
    return ZeroShot(measured, name, _estimated(lines, asked), list(heard.values()), on, asked, sorted(without))


def _of_unseen(opened: Opened, asked: Asked, lines: _Lines) -> None:
    """Add the readings of a run's unseen classes."""
    rows, home = opened.rows, opened.at_home()
    seen = np.array([name not in opened.method.unseen_classes for name in opened.served.datamodule.targets.class_names])

    def both(words: str) -> list[readings.Logits]:
        """Logits of the records, and of those that the offset is chosen by."""
        return [readings.class_logits(one, one.rows, words) for one in (opened, home)]

    kinds = {words: both(words) for words in readings.WORDS}
    for control in (readings.CONSTANT, readings.MEAN_OF_SEEN):
        kinds[control] = [readings.without_words(part, seen, control) for part in kinds[readings.HEARD]]
    for reading, (logits, of_validation) in kinds.items():
        _add(lines, opened, rows, reading, _scorer(opened, home, logits, seen, of_validation))
    if opened.run.task == "single_label":
        alone = kinds[readings.HEARD][0].astype(np.float64)
        _add(lines, opened, rows, ALONE, _areas(opened, rows, alone, ~seen))
    for draw in range(asked.n_draws):
        with readings.random_waveform_tower(opened, draw):
            logits, of_validation = both(readings.HEARD)
        _add(lines, opened, rows, readings.RANDOM, _scorer(opened, home, logits, seen, of_validation))


def _of_all_labels(opened: Opened, lines: _Lines) -> None:
    """Add, to the classes that other runs of the method left out, how a run does that had their labels."""
    rows, names = opened.rows, opened.served.datamodule.targets.class_names
    logits = readings.class_logits(opened, rows, readings.HEARD)
    scores = readings.scores_of(logits, opened.run.task)
    for unseen in {classes for method, classes, _ in lines if method == opened.run.method}:
        chosen = np.isin(names, unseen)
        measured = lines.setdefault((opened.run.method, unseen, WITH_LABELS), _Measured(opened.patients(rows)))
        measured.scorers.append(_areas(opened, rows, scores, chosen))


def _of_label_set(opened: Opened, asked: Asked, lines: _Lines) -> tuple[NDArray[np.int64], list[HeardDescription]]:
    """Add the readings of the classes of another label set; returns the records and what stands for descriptions."""
    assert asked.labels is not None
    served = opened.served
    config = OmegaConf.to_container(opened.run.config, resolve=True)
    assert isinstance(config, dict)
    name, choice = str(asked.labels.name), opened.records.choice
    if name == opened.run.facts.labels.name:
        raise UserError(f"labels={name} is what the runs were trained with; choose a label set that they were not")
    other = opened.records.other
    settings = construct(other if isinstance(other, DictConfig) else config["data"]).label_settings_with(asked.labels)
    targets = make_targets(open_labels(served.store, name, settings), "all", (), "hard")
    table = served.store.records
    chosen = targets.usable & (table["split"].is_in(choice.splits) & table["has_waveform"]).to_numpy()
    if choice.shared_patients == "refuse":
        refuse_shared(served.store, served.shared & chosen, other is None)
    rows = np.flatnonzero(chosen & ~served.shared)
    positive = targets.values[rows] >= 0.5
    enough = np.minimum(positive.sum(axis=0), (~positive).sum(axis=0)) >= asked.least_cases
    names = tuple(name for name, there in zip(targets.class_names, enough, strict=True) if there)
    if not names:
        raise UserError(
            f"labels={name}: no class has {asked.least_cases} records of split={choice.split} with it and without;"
            " lower least_cases"
        )
    positive = positive[:, enough]
    texts = replace(opened.texts, class_names=names, described={})
    patients = opened.patients(rows)

    def add(reading: str, scores: NDArray[np.floating]) -> None:
        measured = lines.setdefault((opened.run.method, names, reading), _Measured(patients))
        measured.scorers.append(areas_scorer(positive, scores, names))

    for words in readings.WORDS:
        add(words, readings.similarities(opened, rows, texts, words))
    mean = readings.class_logits(opened, rows, readings.HEARD).mean(axis=1, keepdims=True)
    add(readings.MEAN_OF_SEEN, np.repeat(mean, len(names), axis=1))
    for draw in range(asked.n_draws):
        with readings.random_waveform_tower(opened, draw):
            add(readings.RANDOM, readings.similarities(opened, rows, texts, readings.HEARD))
    return rows, heard_descriptions(texts)


def _add(lines: _Lines, opened: Opened, rows: NDArray[np.int64], reading: str, scorer: Scorer) -> None:
    key = (opened.run.method, opened.method.unseen_classes, reading)
    lines.setdefault(key, _Measured(opened.patients(rows))).scorers.append(scorer)


def _scorer(
    opened: Opened,
    home: Opened,
    logits: readings.Logits,
    seen: NDArray[np.bool_],
    of_validation: readings.Logits,
) -> Scorer:
    """Areas of the unseen classes, and of a task of one class a record the recall of either kind."""
    rows, task, targets = opened.rows, opened.run.task, opened.served.datamodule.targets
    areas = _areas(opened, rows, readings.scores_of(logits, task), ~seen)
    if task != "single_label":
        return areas
    offset = choose_offset(of_validation, home.served.datamodule.targets.values[home.rows], seen)
    plain, stacked = (stacking_scorer(logits, targets.values[rows], seen, one) for one in (0.0, offset))

    def behind_offset(weights: Floats) -> dict[str, Floats]:
        return {f"{STACKED}{name}": values for name, values in stacked(weights).items()}

    return joint_scorer([areas, plain, behind_offset])


def _areas(opened: Opened, rows: NDArray[np.int64], scores: Floats, chosen: NDArray[np.bool_]) -> Scorer:
    targets = opened.served.datamodule.targets
    positive = positives(targets.values[rows], len(chosen))[:, chosen]
    names = [name for name, is_one in zip(targets.class_names, chosen, strict=True) if is_one]
    return areas_scorer(positive, scores[:, chosen], names)


def _estimated(lines: _Lines, asked: Asked) -> list[Line]:
    order = (*readings.WORDS, ALONE, readings.CONSTANT, readings.MEAN_OF_SEEN, readings.RANDOM, WITH_LABELS)
    keys = sorted(lines, key=lambda key: (key[0], len(key[1]), key[1], order.index(key[2])))
    return [Line(*key, len(lines[key].scorers), _within(lines[key], asked.n_resamples)) for key in keys]


def _within(measured: _Measured, n_resamples: int) -> dict[str, Estimate]:
    """Estimates, all of them shares."""
    found = replicated_estimates(measured.scorers, measured.patients, n_resamples, BOOTSTRAP_SEED)
    return {name: Estimate(one.value, max(one.low, 0.0), min(one.high, 1.0)) for name, one in found.items()}


def _require_all_classes(opened: Opened) -> None:
    match = opened.served.match
    if match.only_model:
        raise ConfigError(
            f"{printable(opened.served.store.path)} has no {', '.join(match.only_model)}, which the run answers with;"
            " give a store that has all of its classes, or a label set of that store with labels=..."
        )


def _check_same_records(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs:
        if run.facts.data.fingerprint != first.facts.data.fingerprint or not np.array_equal(run.rows, first.rows):
            raise UserError(
                f"{printable(first.directory)} and {printable(run.directory)} were tested on different records; give"
                " folders whose runs belong in one table"
            )


def _nothing(runs: Sequence[Run], asked: Asked, without: set[str]) -> str:
    if without == {run.method for run in runs}:
        return (
            f"{', '.join(sorted(without))}: waveforms and words have no space in common there; give runs of a"
            " contrastive row, such as method=ecg_clip"
        )
    if asked.labels is not None:
        return "all runs left classes out (method.unseen_classes); give runs that had the labels of all of theirs"
    return (
        "no run left a class out; train with method.unseen_classes=[MI], as `ecgmm train +experiment=unseen_classes`"
        " does, or name another label set with labels=rhythm"
    )
