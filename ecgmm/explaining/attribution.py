"""What each sample and each word adds to the log-odds of a class: integrated gradients and occlusion, by captum.

Integrated gradients: Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks" (ICML 2017). Occlusion: Zeiler,
Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.explaining.target import ClassLogOdds
from ecgmm.models.encoders import WithWordTable
from ecgmm.runs.loading import SavedModel
from ecgmm.settings.ranges import EXPLANATIONS
from ecgmm.types import Batch

N_STEPS = 128
"""Points of the Gauss-Legendre rule along the path from baseline to record."""
WINDOW_S, STRIDE_S = 0.2, 0.1
"""Length of what is occluded in one lead, and by how much the next one is later."""
_AT_ONCE = 64  # varied records in a pass: a few dozen MB of features

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Attribution:
    """What each part of a record adds to the log-odds of a class, in nats.

    Attributes:
        waveform: ``[12, T]``; None where the method looks at no waveform or none is given.
        words: ``[N]``, one a token; None where the method reads no words, none are given, or it has no place at which
            ``integrated_gradients`` could take hold of them.
        log_odds: Of the record as it is.
        baseline_log_odds: Of the record whose explained parts are replaced by the baseline.
    """

    waveform: Floats | None
    words: Floats | None
    log_odds: float
    baseline_log_odds: float


def attribute(model: SavedModel, batch: Batch, class_index: int, method: str) -> Attribution:
    """Attribute the log-odds of a class to the samples and words of a record.

    Args:
        model: A saved model.
        batch: One record, prepared.
        class_index: The class.
        method: ``integrated_gradients``, whose values add up to ``log_odds - baseline_log_odds``, or ``occlusion``,
            whose values are what is lost where a part alone is replaced.

    Raises:
        ConfigError: If captum is not installed.
    """
    assert method in EXPLANATIONS
    target = ClassLogOdds(model, batch, class_index)
    inputs = (batch.waveforms, batch.token_ids)
    has_ecg, has_words = reads_waveform(model, batch), reads_words(model, batch, method)
    flat, unknown = baselines(model, batch)
    origin = (flat if has_ecg else inputs[0], unknown if has_words else inputs[1])
    if method == "integrated_gradients":
        waveform, words = _integrated_gradients(target, inputs, origin, has_ecg, has_words)
    else:
        waveform = _occluded_waveform(target, inputs, flat, model.facts.store.rate_hz) if has_ecg else None
        words = _occluded_words(target, inputs, unknown) if has_words else None
    with torch.no_grad():
        value, start = float(target(*inputs)), float(target(*origin))
    return Attribution(
        None if waveform is None else waveform[0].numpy(), None if words is None else words[0].numpy(), value, start
    )


def reads_waveform(model: SavedModel, batch: Batch) -> bool:
    """Whether the method looks at the waveform, and there is one."""
    return "ecg" in model.method.inputs_at_test and bool(batch.has_waveform.all())


def reads_words(model: SavedModel, batch: Batch, method: str) -> bool:
    """Whether the method reads the tokens of the report that is there, where the method of attribution can see it."""
    if method == "integrated_gradients":
        reads = isinstance(getattr(model.method, "text_encoder", None), WithWordTable)
    else:
        reads = any(hasattr(model.method, name) for name in ("text_encoder", "language_model"))
    return reads and "text" in model.method.inputs_at_test and bool(batch.has_report.all())


def baselines(model: SavedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """A record without any deflection, and a report of as many unknown words.

    Each lead is a straight line at its own median, which is near the isoelectric line: no wave, the same offset. Words
    are replaced by the one that stands for all words that the vocabulary lacks, and not by zeros: encoders with a norm
    see no difference between a short vector and a long one, so that a path from zero would jump at its first step.

    Returns:
        Waveforms ``[1, 12, T]`` and token ids ``[1, N]``.
    """
    flat = batch.waveforms.median(dim=2, keepdim=True).values.expand_as(batch.waveforms)
    return flat, torch.where(batch.token_mask, model.tokeniser.unknown_id, batch.token_ids)


def _integrated_gradients(
    target: ClassLogOdds, inputs: tuple[Tensor, Tensor], origin: tuple[Tensor, Tensor], has_ecg: bool, has_words: bool
) -> tuple[Tensor | None, Tensor | None]:
    """Both along one path, so that together they add up."""
    layers: list[nn.Module] = [target.waveform] * has_ecg
    encoder = getattr(target.method, "text_encoder", None)
    if has_words and isinstance(encoder, WithWordTable):
        layers.append(encoder.word_table)
    if not layers:
        return None, None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Multiple layers provided")  # neither of the two hangs on the other
        attributor = _captum().LayerIntegratedGradients(target, layers)
        found = attributor.attribute(inputs, origin, n_steps=N_STEPS, internal_batch_size=_AT_ONCE)
    parts = [part.detach() for part in found]
    words = parts.pop().sum(dim=2) if has_words else None
    return (parts[0] if has_ecg else None), words


def _occluded_waveform(target: ClassLogOdds, inputs: tuple[Tensor, Tensor], flat: Tensor, rate_hz: float) -> Tensor:
    def answer(waveforms: Tensor) -> Tensor:
        answers: Tensor = target(waveforms, inputs[1].expand(len(waveforms), -1))
        return answers

    window, stride = max(1, round(WINDOW_S * rate_hz)), max(1, round(STRIDE_S * rate_hz))
    with torch.no_grad():
        lost: Tensor = (
            _captum()
            .Occlusion(answer)
            .attribute(inputs[0], (1, window), (1, stride), flat, perturbations_per_eval=_AT_ONCE)
        )
    return lost.float()


def _occluded_words(target: ClassLogOdds, inputs: tuple[Tensor, Tensor], unknown: Tensor) -> Tensor:
    def answer(token_ids: Tensor) -> Tensor:
        answers: Tensor = target(inputs[0].expand(len(token_ids), -1, -1), token_ids)
        return answers

    with torch.no_grad():
        lost: Tensor = _captum().FeatureAblation(answer).attribute(inputs[1], unknown, perturbations_per_eval=_AT_ONCE)
    return lost.float()


def _captum() -> Any:
    try:
        from captum import attr  # an extra
    except ImportError:
        raise ConfigError("explanations need captum, which is not installed: pip install 'ecgmm[explain]'") from None
    return attr
