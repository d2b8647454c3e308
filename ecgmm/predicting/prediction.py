"""Answers of a saved model for inputs that were read, in the precision and by the choices of its training run."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.errors import DataError
from ecgmm.evaluation.calibration import apply_temperature
from ecgmm.evaluation.ranking import Floats
from ecgmm.models.method import Method
from ecgmm.predicting.inputs import ModelInput, read_input, together
from ecgmm.runs.calibration import Calibration
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import ModelFacts

COVERAGE = 0.9
NO_CALIBRATION = "the model was saved without temperature, thresholds and sets by an earlier version; evaluate its run"
_DISAGREE = "report and waveform disagree more than 95 % of the pairs of validation do; is it the record's own report?"


@dataclass(frozen=True)
class Prediction:
    """Prediction for one record; not a diagnosis.

    Attributes:
        probabilities: Probability of each class.
        calibrated: The same with the temperature of validation; None where the model keeps none, as the next three.
        decision: The most probable class; of a multi-label model the classes at or above their thresholds.
        possible: Classes that the conformal set of the chosen coverage does not rule out.
        abstains: Whether that set leaves the answer open: not exactly one class; for multi-label a class for which
            neither or both of yes and no are ruled out.
        gate: Weight of the waveform, where the method has one.
        inconsistency: Of report and waveform, where the method says it and has both.
        doubtful: Whether it is above the limit of validation.
        signal: Columns of docs/understand/quality.md; None without a waveform.
        n_words: Words of the report; None where there is none or the method does not look at it.
        n_unknown_words: Those of them that the model does not know.
        words: What the method says of the record, line by line.
        notes: What the user should know of the input and the answer.
    """

    probabilities: dict[str, float]
    calibrated: dict[str, float] | None
    decision: list[str] | None
    possible: list[str] | None
    abstains: bool | None
    gate: float | None
    inconsistency: float | None
    doubtful: bool | None
    signal: Mapping[str, Any] | None
    n_words: int | None
    n_unknown_words: int | None
    words: list[str]
    notes: list[str]

    @property
    def numbers(self) -> dict[str, float]:
        """Probabilities of the classes, ``gate`` and ``inconsistency`` where they are there."""
        beside = {"gate": self.gate, "inconsistency": self.inconsistency}
        return self.probabilities | {name: value for name, value in beside.items() if value is not None}


def predict_record(
    model: SavedModel,
    record: Path | None,
    report: str | None,
    reader: WaveformReader = ANY_LEADS,
    coverage: float = COVERAGE,
) -> Prediction:
    """Read and classify one record; see ``read_input`` and ``predict``."""
    [prediction] = predict(model, [read_input(model, record, report, reader)], coverage)
    return prediction


def predict(model: SavedModel, inputs: Sequence[ModelInput], coverage: float = COVERAGE) -> list[Prediction]:
    """Classify inputs as one batch; how many there are changes no number.

    Args:
        model: A saved model.
        inputs: At least one.
        coverage: Of the conformal sets, one of ``ecgmm.runs.calibration.COVERAGES``.

    Raises:
        DataError: If an answer of the model is no number.
    """
    facts, batch = model.facts, together(inputs)
    with torch.inference_mode(), in_precision(facts.calibration):
        output = model(batch)
        logits = output.logits.float()
    probabilities = (logits.softmax(1) if facts.task == "single_label" else logits.sigmoid()).numpy()
    gates = None if output.gate is None else output.gate.float().tolist()
    doubts = None if output.inconsistency is None else output.inconsistency.float().tolist()
    answers = _answers(probabilities.astype(np.float64), facts, coverage)
    is_pair = batch.is_pair.tolist()
    predictions = []
    for k, given in enumerate(inputs):
        inconsistency = doubts[k] if doubts is not None and is_pair[k] else None
        limit = facts.doubtful_above
        doubtful = None if inconsistency is None or limit is None else inconsistency > limit
        prediction = Prediction(
            probabilities=dict(zip(facts.class_names, probabilities[k].tolist(), strict=True)),
            **answers[k],
            gate=None if gates is None else gates[k],
            inconsistency=inconsistency,
            doubtful=doubtful,
            signal=None if given.single_record is None else given.single_record.quality,
            n_words=given.n_words,
            n_unknown_words=given.n_unknown_words,
            words=_words(model, given),
            notes=[*given.notes, *([_DISAGREE] if doubtful else []), *_notes_on_answers(facts)],
        )
        if not all(map(math.isfinite, prediction.numbers.values())):
            raise DataError(f"the model predicts values that are not finite; {CURE}")
        predictions.append(prediction)
    return predictions


def in_precision(calibration: Calibration | None) -> AbstractContextManager[object]:
    """The precision in which the run predicted, where a CPU has it: bfloat16; else full precision."""
    is_bfloat16 = calibration is not None and calibration.precision == "bf16-mixed"
    return torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16)


def _answers(probabilities: Floats, facts: ModelFacts, coverage: float) -> list[dict[str, Any]]:
    """Fields ``calibrated``, ``decision``, ``possible`` and ``abstains`` from probabilities ``[n, K]``."""
    calibration, names = facts.calibration, facts.class_names
    single = facts.task == "single_label"

    def named(chosen: Any) -> list[str]:
        return [names[k] for k in np.flatnonzero(chosen).tolist()]

    highest = probabilities == probabilities.max(axis=1, keepdims=True)
    if calibration is None:
        nothing = {"calibrated": None, "possible": None, "abstains": None}
        return [{**nothing, "decision": named(row)[:1] if single else None} for row in highest]
    calibrated = apply_temperature(probabilities, calibration.temperature, facts.task)
    sets = calibration.sets_at(coverage)
    possible = probabilities >= np.array(sets.least)
    if single:
        decided, open_ = highest, possible.sum(axis=1) != 1
    else:
        decided = probabilities >= np.array(calibration.thresholds)
        open_ = (possible == (1 - probabilities >= np.array(sets.least_absent))).any(axis=1)
    return [
        {
            "calibrated": dict(zip(names, calibrated[k].tolist(), strict=True)),
            "decision": named(decided[k])[:1] if single else named(decided[k]),
            "possible": named(possible[k]),
            "abstains": bool(open_[k]),
        }
        for k in range(len(probabilities))
    ]


def _words(model: SavedModel, given: ModelInput) -> list[str]:
    """What a method that talks says of one record."""
    if type(model.method).explain is Method.explain:
        return []
    with torch.inference_mode():
        return model.method.explain(model.prepared(given.batch))


def _notes_on_answers(facts: ModelFacts) -> list[str]:
    calibration = facts.calibration
    if calibration is None:
        return [NO_CALIBRATION]
    if not calibration.default_thresholds:
        return []
    return [f"no record of validation had {', '.join(calibration.default_thresholds)}; their threshold is one half"]
