"""Classes that runs left out, read by these runs, and told by runs that had their labels."""

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.batches.targets import Targets
from ecgmm.evaluation.metrics import Scorer, joint_scorer, positives
from ecgmm.evaluation.ranking import Floats
from ecgmm.evaluation.stacking import areas_scorer, choose_offset, stacking_scorer
from ecgmm.shared_space import readings
from ecgmm.shared_space.asking import Key, Logits, Question, RandomTowers, Reader
from ecgmm.shared_space.opening import Opened
from ecgmm.shared_space.zero_shot_lines import STACKED, Contribution, Lines

_OWN: Key = (readings.HEARD, 0)


def unseen_classes(opened: Opened, n_draws: int, towers: RandomTowers) -> Contribution:
    """All readings of the classes that a run left out.

    Where a record has one class, the validation records of the run's own store choose the offset.

    Raises:
        DataError: If that store is not there.
    """
    method, task, name = opened.method, opened.run.task, opened.run.method
    unseen = method.unseen_classes
    questions = {_OWN: Question({})} | {
        (words, 0): Question({"plain_prompts": readings.prompts_of(opened.texts, words, method.heard, opened.device)})
        for words in (readings.DESCRIPTIONS, readings.NAMES)
    }
    questions |= {(readings.RANDOM, draw): Question(towers.of(opened, draw)) for draw in range(n_draws)}
    places = [opened, opened.at_home()] if task == "single_label" else [opened]
    targets, patients = _targets(opened), opened.patients(opened.rows)
    labels = [_targets(place).values[place.rows] for place in places]
    seen = np.array([one not in unseen for one in targets.class_names])
    names = [one for one in targets.class_names if one in unseen]

    def areas(scores: Floats) -> Scorer:
        return areas_scorer(positives(labels[0], len(seen))[:, ~seen], scores[:, ~seen], names)

    def scorer(logits: list[Logits]) -> Scorer:
        found = areas(readings.scores_of(logits[0], task))
        return found if task != "single_label" else joint_scorer([found, *_stacked(logits, labels, seen)])

    def add(lines: Lines, answered: list[dict[Key, Logits]]) -> None:
        for key in questions:
            lines.add(name, unseen, key[0], patients, scorer([one[key] for one in answered]))
        for control in (readings.CONSTANT, readings.MEAN_OF_SEEN):
            without = [readings.without_words(one[_OWN], seen, control) for one in answered]
            lines.add(name, unseen, control, patients, scorer(without))
        if task == "single_label":
            lines.add(name, unseen, readings.ALONE, patients, areas(answered[0][_OWN].astype(np.float64)))

    return Contribution([Reader.of(place, questions) for place in places], add)


def all_labels(opened: Opened) -> Contribution:
    """How a run that had all labels tells the classes that other runs of its method left out."""
    targets, patients = _targets(opened), opened.patients(opened.rows)
    positive = positives(targets.values[opened.rows], len(targets.class_names))
    task, name = opened.run.task, opened.run.method

    def add(lines: Lines, answered: list[dict[Key, Logits]]) -> None:
        scores = readings.scores_of(answered[0][_OWN], task)
        for unseen in lines.classes_of(name):
            chosen = np.isin(targets.class_names, unseen)
            names = [one for one in targets.class_names if one in unseen]
            lines.add(
                name,
                unseen,
                readings.WITH_LABELS,
                patients,
                areas_scorer(positive[:, chosen], scores[:, chosen], names),
            )

    return Contribution([Reader.of(opened, {_OWN: Question({})})], add)


def _targets(opened: Opened) -> Targets:
    return opened.served.datamodule.targets


def _stacked(logits: list[Logits], labels: list[NDArray[np.int64]], seen: NDArray[np.bool_]) -> list[Scorer]:
    """Recall of either kind of class, and with the offset that the second of two sets of records chooses."""
    offset = choose_offset(logits[1], labels[1], seen)
    plain, stacked = (stacking_scorer(logits[0], labels[0], seen, one) for one in (0.0, offset))

    def behind_offset(weights: Floats) -> dict[str, Floats]:
        return {f"{STACKED}{name}": values for name, values in stacked(weights).items()}

    return [plain, behind_offset]
