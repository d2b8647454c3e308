"""One answer of a saved model, explained: what counted on the ECG and in the report, and what would change it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ecgmm.errors import ConfigError, printable
from ecgmm.explaining.attribution import Attribution, attribute
from ecgmm.explaining.counterfactuals import Answer, counterfactuals
from ecgmm.explaining.sanity import completeness
from ecgmm.predicting.inputs import ModelInput
from ecgmm.runs.loading import SavedModel
from ecgmm.settings.ranges import EXPLANATIONS
from ecgmm.types import Batch


@dataclass(frozen=True)
class Explanation:
    """Why a model gave a class its probability.

    Attributes:
        class_name: The class that is explained.
        class_names: All classes, in order of the numbers of an ``Answer``.
        method: ``integrated_gradients`` or ``occlusion``.
        attribution: What each sample and word adds to the log-odds of the class.
        tokens: Text of each token of the report, as the model reads it; what it does not know is ``[UNK]``.
        statements: Statements of the report that the model is shown.
        answers: The answer as given, with either half alone, without each statement and without each lead.
        signals_mv: ``[12, T]`` in mV as the method sees them (gaps bridged, spikes limited); None without a waveform.
        rate_hz: Their sampling rate.
        inconsistency: Of report and waveform, where the method has it and both are there.
        notes: What speaks against the input.
    """

    class_name: str
    class_names: tuple[str, ...]
    method: str
    attribution: Attribution
    tokens: tuple[str, ...]
    statements: tuple[str, ...]
    answers: tuple[Answer, ...]
    signals_mv: NDArray[np.float32] | None
    rate_hz: float
    inconsistency: float | None
    notes: tuple[str, ...]

    @property
    def class_index(self) -> int:
        """Place of the class among ``class_names``."""
        return self.class_names.index(self.class_name)

    @property
    def probability(self) -> float:
        """Of the class, as given."""
        return self.answers[0].probabilities[self.class_index]

    @property
    def gate(self) -> float | None:
        """Weight of the waveform in [0, 1], where the method has a gate."""
        return self.answers[0].gate

    @property
    def statement_losses(self) -> tuple[float, ...]:
        """What is lost of the log-odds of the class where each statement alone is left out, in nats."""
        index, whole = self.class_index, self.answers[0].log_odds[self.class_index]
        return tuple(whole - one.log_odds[index] for one in self.answers if one.kind == "without statement")


def explain(
    model: SavedModel, given: ModelInput, class_name: str | None = None, method: str = "integrated_gradients"
) -> Explanation:
    """Explain the answer of a saved model for one record.

    Args:
        model: A saved model.
        given: The record, its report, or both, as ``read_input`` reads them.
        class_name: The class to explain; None takes the most probable one.
        method: ``integrated_gradients`` or ``occlusion``; statements and leads are left out one by one with both.

    Returns:
        The explanation, worked out in full precision and without calibration: probabilities may differ by a rounding of
        bfloat16 from those of ``predict``.

    Raises:
        ConfigError: If there is no such class or method, the method of the run looks at nothing, or captum is missing.
    """
    names = tuple(model.facts.class_names)
    _check(model, class_name, method)
    batch = prepared(model, given)
    answers = counterfactuals(model, batch, given.statements)
    index = int(np.argmax(answers[0].probabilities)) if class_name is None else names.index(class_name)
    attribution = attribute(model, batch, index, method)
    with_waveform = bool(batch.has_waveform.all()) and "ecg" in model.method.inputs_at_test
    return Explanation(
        class_name=names[index],
        class_names=names,
        method=method,
        attribution=attribution,
        tokens=_tokens(model, batch),
        statements=tuple(given.statements),
        answers=tuple(answers),
        signals_mv=signals_mv(model, batch) if with_waveform else None,
        rate_hz=model.facts.store.rate_hz,
        inconsistency=_inconsistency(model, batch),
        notes=(*given.notes, *_notes(method, attribution)),
    )


def prepared(model: SavedModel, given: ModelInput) -> Batch:
    """Batch of one input as the method sees it."""
    with torch.no_grad():
        return model.prepared(given.batch)


def signals_mv(model: SavedModel, batch: Batch) -> NDArray[np.float32]:
    """Waveform of one prepared record in mV, ``[12, T]``."""
    prepared = model.preparation
    shown = batch.waveforms[0] * prepared.lead_std_mv[:, None] + prepared.lead_mean_mv[:, None]
    found: NDArray[np.float32] = shown.numpy()
    return found


def _check(model: SavedModel, class_name: str | None, method: str) -> None:
    names = model.facts.class_names
    if method not in EXPLANATIONS:
        raise ConfigError(f"method is {printable(method)!r}; choose one of {', '.join(EXPLANATIONS)}")
    if class_name is not None and class_name not in names:
        raise ConfigError(f"class is {printable(class_name)!r}; the run has {', '.join(map(printable, names))}")
    if not model.method.inputs_at_test:
        raise ConfigError(f"{model.method.name} looks at neither waveform nor report; there is nothing to explain")


def _notes(method: str, attribution: Attribution) -> list[str]:
    whole = completeness(attribution)
    if method != "integrated_gradients" or whole.passes:
        return []
    return [
        f"the values add up to {whole.total:+.3f} nats, and {whole.difference:+.3f} are to be explained: the method has"
        " steps without a gradient, or bends too sharply; occlusion looks at the answers alone"
    ]


def _tokens(model: SavedModel, batch: Batch) -> tuple[str, ...]:
    ids = batch.token_ids[0][batch.token_mask[0]].tolist()
    return tuple(model.tokeniser.decode([index]).strip() or "·" for index in ids)


def _inconsistency(model: SavedModel, batch: Batch) -> float | None:
    with torch.inference_mode():
        found = model.method(batch).inconsistency
    return float(found[0]) if found is not None and bool(batch.is_pair.all()) else None
