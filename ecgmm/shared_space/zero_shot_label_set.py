"""Classes of a label set that runs were not trained for, each by its similarity with the waveform."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from ecgmm.building import construct
from ecgmm.data.batches.targets import make_targets
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.errors import UserError
from ecgmm.evaluation.stacking import areas_scorer
from ecgmm.models.heard_prompts import HeardDescription, heard_descriptions
from ecgmm.shared_space import readings
from ecgmm.shared_space.asking import Key, Logits, Question, RandomTowers, Reader
from ecgmm.shared_space.opening import Opened
from ecgmm.shared_space.zero_shot_lines import Asked, Contribution, Lines
from ecgmm.training.shared_patients import refuse_shared


@dataclass(frozen=True)
class OtherClasses:
    """Classes of another label set among records of a run.

    Attributes:
        rows: int64 ``[n]``, records of which the set says something.
        names: The K classes with enough records.
        positive: bool ``[n, K]``.
    """

    rows: NDArray[np.int64]
    names: tuple[str, ...]
    positive: NDArray[np.bool_]

    @staticmethod
    def of(opened: Opened, labels: DictConfig, least_cases: int) -> "OtherClasses":
        """Find them.

        Raises:
            UserError: If the runs were trained for the set, or no class has enough records.
            ConfigError: If the records are of patients of the run's training.
        """
        served, name, choice = opened.served, str(labels.name), opened.records.choice
        if name == opened.run.facts.labels.name:
            raise UserError(f"labels={name} is what the runs were trained with; choose a label set that they were not")
        config = OmegaConf.to_container(opened.run.config, resolve=True)
        assert isinstance(config, dict)
        other = opened.records.other
        settings = construct(other if isinstance(other, DictConfig) else config["data"]).label_settings_with(labels)
        targets = make_targets(open_labels(served.store, name, settings), "all", (), "hard")
        table = served.store.records
        chosen = targets.usable & (table["split"].is_in(choice.splits) & table["has_waveform"]).to_numpy()
        if choice.shared_patients == "refuse":
            refuse_shared(served.store, served.shared & chosen, other is None)
        rows = np.flatnonzero(chosen & ~served.shared)
        positive = targets.values[rows] >= 0.5
        enough = np.minimum(positive.sum(axis=0), (~positive).sum(axis=0)) >= least_cases
        names = tuple(name for name, there in zip(targets.class_names, enough, strict=True) if there)
        if not names:
            raise UserError(
                f"labels={name}: no class has {least_cases} records of split={choice.split} with it and without;"
                " lower least_cases"
            )
        return OtherClasses(rows, names, positive[:, enough])


@torch.inference_mode()
def other_classes(
    opened: Opened, classes: OtherClasses, asked: Asked, towers: RandomTowers
) -> tuple[Contribution, list[HeardDescription]]:
    """All readings of the classes of another label set, and what stands for their descriptions."""
    texts = replace(opened.texts, class_names=classes.names, described={})
    heard = heard_descriptions(texts)
    method, name, patients = opened.method, opened.run.method, opened.patients(classes.rows)
    directions = {
        words: method.plain_directions(readings.prompts_of(texts, words, heard, opened.device))
        for words in readings.WORDS
    }
    questions = {(words, 0): Question({}, directions[words]) for words in readings.WORDS}
    questions |= {
        (readings.RANDOM, draw): Question(towers.of(opened, draw), directions[readings.HEARD])
        for draw in range(asked.n_draws)
    }
    own: Key = (readings.MEAN_OF_SEEN, 0)

    def add(lines: Lines, answered: list[dict[Key, Logits]]) -> None:
        mean = answered[0][own].mean(axis=1, keepdims=True)
        scores = answered[0] | {own: np.repeat(mean, len(classes.names), axis=1)}
        for (reading, _), values in scores.items():
            scorer = areas_scorer(classes.positive, values, classes.names)
            lines.add(name, classes.names, reading, patients, scorer)

    return Contribution([Reader.of(opened, questions | {own: Question({})}, classes.rows)], add), heard
