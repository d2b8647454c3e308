"""Ways to read classes that no label taught: words, no words, and a waveform tower of chance."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.models.heard_prompts import HeardDescription, with_heard
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.shared_space.asking import Logits

HEARD = "descriptions in words of training"
DESCRIPTIONS = "descriptions as written"
NAMES = "names alone"
WORDS = (HEARD, DESCRIPTIONS, NAMES)
CONSTANT = "no words: a constant"
MEAN_OF_SEEN = "no words: mean of the seen"
RANDOM = "random waveform tower"
ALONE = "the same, each class by itself"
WITH_LABELS = "with labels of all classes"
ORDER = (*WORDS, ALONE, CONSTANT, MEAN_OF_SEEN, RANDOM, WITH_LABELS)
"""All of them, as tables have them."""


def prompts_of(texts: TextBank, words: str, heard: Sequence[HeardDescription], device: torch.device) -> ClassPrompts:
    """The classes of ``texts`` as one of ``WORDS`` has them, read as reports are: without a template."""
    prompts = ClassPrompts()
    prompts.bind(_written(texts, words, heard), templates=("{}",))
    return prompts.to(device)


def _written(texts: TextBank, words: str, heard: Sequence[HeardDescription]) -> TextBank:
    """The name of a class in words is the first of its descriptions."""
    if words == HEARD:
        return with_heard(texts, heard)
    described = {name: tuple(texts.descriptions(name)) for name in texts.class_names}
    return replace(texts, described={name: of[:1] if words == NAMES else of for name, of in described.items()})


def without_words(logits: Logits, seen: NDArray[np.bool_], control: str) -> Logits:
    """Logits whose unseen columns hold no word: 0 each (``CONSTANT``), or the mean of the seen (``MEAN_OF_SEEN``)."""
    value = np.zeros(len(logits), np.float32) if control == CONSTANT else logits[:, seen].mean(axis=1)
    return np.where(seen, logits, value[:, None])


def scores_of(logits: Logits, task: str) -> NDArray[np.float64]:
    """Probabilities, by which classes compete where a record has one of them; in 64 bits, so that few are equal."""
    shown = torch.from_numpy(logits).double()
    probabilities: Tensor = shown.softmax(dim=1) if task == "single_label" else shown.sigmoid()
    scores: NDArray[np.float64] = probabilities.numpy()
    return scores
