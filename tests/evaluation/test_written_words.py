"""BLEU and ROUGE-L against torchmetrics, by hand, and under weights."""

import math

import numpy as np
import pytest
from torchmetrics.functional.text import bleu_score, rouge_score

from ecgmm.evaluation.written_words import words_scorer

WORDS = np.array(["sinus", "rhythm", "normal", "ecg", "left", "axis", "deviation", ".", "inferior", "infarct"])


def drawn(seed: int, n: int = 20) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [rng.choice(WORDS[: rng.integers(3, 11)], rng.integers(1, 15)).tolist() for _ in range(n)]


def once(written: list[list[str]], references: list[list[str]]) -> dict[str, float]:
    scored = words_scorer(written, references)(np.ones((len(written), 1)))
    return {key: float(values[0]) for key, values in scored.items()}


def test_both_are_those_of_torchmetrics() -> None:
    written, references = drawn(0), drawn(1)
    found = once(written, references)
    texts, wanted = ([" ".join(one) for one in some] for some in (written, references))
    for n in range(1, 5):
        expected = float(bleu_score(texts, [[one] for one in wanted], n_gram=n))
        assert found[f"bleu_{n}"] == pytest.approx(expected, abs=1e-6)
    expected = float(rouge_score(texts, wanted, rouge_keys="rougeL")["rougeL_fmeasure"])
    assert found["rouge_l"] == pytest.approx(expected, abs=1e-6)


def test_by_hand() -> None:
    """Three of four words match, two of three pairs; of a reference of five words the longest common part has three."""
    found = once([["a", "b", "c", "x"]], [["a", "b", "c", "d", "e"]])
    short = math.exp(1 - 5 / 4)
    assert found["bleu_1"] == pytest.approx(short * 3 / 4)
    assert found["bleu_2"] == pytest.approx(short * math.sqrt(3 / 4 * 2 / 3))
    assert found["bleu_4"] == 0
    assert found["rouge_l"] == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))


def test_the_reference_itself_is_one_and_nothing_written_is_nought() -> None:
    long = [one * 4 for one in drawn(1)]
    assert all(value == pytest.approx(1) for value in once(long, long).values())
    assert set(once([[] for _ in long], long).values()) == {0.0}


def test_integer_weights_are_repeated_records() -> None:
    written, references = drawn(0), drawn(1)
    counts = np.random.default_rng(2).poisson(1.0, 20)
    weighted = words_scorer(written, references)(np.stack([counts, 3 * counts], axis=1).astype(float))
    rows = np.repeat(np.arange(20), counts).tolist()
    for key, value in once([written[k] for k in rows], [references[k] for k in rows]).items():
        assert weighted[key] == pytest.approx([value, value]), key
