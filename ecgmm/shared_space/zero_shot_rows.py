"""The numbers of zero-shot recognition: every reading of every set of unseen classes, over seeds and patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgmm.errors import ConfigError, UserError, printable
from ecgmm.models.heard_prompts import HeardDescription
from ecgmm.runs.run import Run
from ecgmm.shared_space.asking import RandomTowers, answers
from ecgmm.shared_space.opening import Opened, open_run
from ecgmm.shared_space.zero_shot_label_set import OtherClasses, other_classes
from ecgmm.shared_space.zero_shot_lines import Asked, Contribution, Line, Lines
from ecgmm.shared_space.zero_shot_unseen import all_labels, unseen_classes
from ecgmm.training.measured_records import MeasuredRecords


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


def zero_shot(runs: Sequence[Run], records: MeasuredRecords, asked: Asked) -> ZeroShot:
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
    reading: list[Contribution] = []
    taught: list[Contribution] = []
    measured: list[Run] = []
    heard: dict[tuple[str, str], HeardDescription] = {}
    without: set[str] = set()
    on, towers = "", RandomTowers()
    for run in runs:
        opened = open_run(run, records)
        if opened is None:
            without.add(run.method)
            continue
        unseen, found = opened.method.unseen_classes, list[HeardDescription]()
        if asked.labels is None:
            _require_all_classes(opened)
            on = opened.measured_on(opened.rows)
            if unseen:
                reading.append(unseen_classes(opened, asked.n_draws, towers))
                found = [one for one in opened.method.heard if one.class_name in unseen]
            else:
                taught.append(all_labels(opened))
        elif unseen:
            continue
        else:
            classes = OtherClasses.of(opened, asked.labels, asked.least_cases)
            on = opened.measured_on(classes.rows)
            contribution, found = other_classes(opened, classes, asked, towers)
            reading.append(contribution)
        heard |= {(one.class_name, one.written): one for one in found}
        measured.append(run)
    if not reading:
        raise UserError(_nothing(runs, asked, without))
    name = measured[0].facts.labels.name if asked.labels is None else str(asked.labels.name)
    lines = _lines([*reading, *taught]).estimated(asked.n_resamples)
    return ZeroShot(measured, name, lines, list(heard.values()), on, asked, sorted(without))


def _lines(contributions: Sequence[Contribution]) -> Lines:
    lines = Lines()
    answered = iter(answers([reader for one in contributions for reader in one.readers]))
    for one in contributions:
        one.add(lines, [next(answered) for _ in one.readers])
    return lines


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
