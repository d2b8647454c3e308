"""Ways to read classes that no label taught, each with its scores: words, no words, and a waveform tower of chance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.building import construct
from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.heard_prompts import heard_descriptions, with_heard
from ecgmm.models.text_bank import TextBank
from ecgmm.models.words import ClassPrompts
from ecgmm.shared_space.opening import Opened, as_numbers

HEARD = "descriptions in words of training"
DESCRIPTIONS = "descriptions as written"
NAMES = "names alone"
WORDS = (HEARD, DESCRIPTIONS, NAMES)
CONSTANT = "no words: a constant"
MEAN_OF_SEEN = "no words: mean of the seen"
RANDOM = "random waveform tower"
_WAVEFORM_TOWERS = ("ecg_encoder.", "frequency_encoder.")
Logits = NDArray[np.float32]


def written(texts: TextBank, words: str) -> TextBank:
    """The words of a run with its classes as one of ``WORDS`` has them.

    The name of a class in words is the first of its descriptions.
    """
    if words == HEARD:
        return with_heard(texts, heard_descriptions(texts))
    described = {name: tuple(texts.descriptions(name)) for name in texts.class_names}
    return replace(texts, described={name: of[:1] if words == NAMES else of for name, of in described.items()})


@torch.inference_mode()
def class_logits(opened: Opened, rows: NDArray[np.int64], words: str) -> Logits:
    """The method's own logits ``[n, K]``, with its unseen classes read as one of ``WORDS`` has them."""
    with _prompts_in(opened.method, written(opened.texts, words)):
        return np.concatenate([as_numbers(opened.method(batch).logits) for batch in opened.batches(rows)])


@torch.inference_mode()
def similarities(opened: Opened, rows: NDArray[np.int64], texts: TextBank, words: str) -> Logits:
    """Similarity ``[n, K']`` with classes of another label set than the method's, read as one of ``WORDS`` has them."""
    method, prompts = opened.method, ClassPrompts()
    prompts.bind(written(texts, words), templates=("{}",))
    directions = method.plain_directions(prompts.to(method.scale.log_scale.device))
    return np.concatenate([as_numbers(method.similarities(batch, directions)) for batch in opened.batches(rows)])


@contextmanager
def random_waveform_tower(opened: Opened, seed: int) -> Iterator[None]:
    """Within it, the waveform towers of a method are as they were born, of a seed; all else is as trained."""
    method = opened.method
    trained = {name: value.clone() for name, value in method.state_dict().items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        born: ContrastiveMethod = construct(opened.served.model.facts.method)
    fresh = {name: value for name, value in born.state_dict().items() if name.startswith(_WAVEFORM_TOWERS)}
    method.load_state_dict(trained | fresh)
    try:
        yield
    finally:
        method.load_state_dict(trained)


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


@contextmanager
def _prompts_in(method: ContrastiveMethod, texts: TextBank) -> Iterator[None]:
    kept = method.plain_prompts
    prompts = ClassPrompts()
    prompts.bind(texts, templates=("{}",))
    method.plain_prompts = prompts.to(method.scale.log_scale.device)
    try:
        yield
    finally:
        method.plain_prompts = kept
