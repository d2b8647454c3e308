"""BLEU and ROUGE-L of written reports, for any number of record weightings at once.

BLEU: Papineni et al., ACL 2002, of all records together. ROUGE-L: Lin, ACL 2004, F1 of the longest common subsequence,
mean over records. Both are those of ``torchmetrics``; BLEU is put together here of counts of each record, since every
resample of patients has another one. Letters: n records, R weightings.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ecgmm.evaluation.metrics import Scorer
from ecgmm.evaluation.ranking import Floats, ratio

LONGEST_GRAM = 4


def words_scorer(written: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Scorer:
    """Scorer of ``bleu_1`` to ``bleu_4`` and ``rouge_l``.

    Args:
        written: Words of each report, punctuation marks apart.
        references: Words of its one reference.
    """
    assert len(written) == len(references)
    counts = np.array([_counts(one, other) for one, other in zip(written, references, strict=True)], dtype=np.float64)
    longest = np.array([_rouge_l(one, other) for one, other in zip(written, references, strict=True)])

    def score(weights: Floats) -> dict[str, Floats]:
        sums = counts.T @ weights
        matched, possible, length, of_reference = sums[:4], sums[4:8], sums[8], sums[9]
        with np.errstate(divide="ignore"):
            precisions = np.log(ratio(matched, possible, 0.0))
            too_short = np.minimum(0.0, 1 - ratio(of_reference, length, np.inf))
        means = np.cumsum(precisions, axis=0) / np.arange(1, LONGEST_GRAM + 1)[:, None]
        values = {f"bleu_{n}": np.exp(means[n - 1] + too_short) for n in range(1, LONGEST_GRAM + 1)}
        return values | {"rouge_l": ratio(longest @ weights, weights.sum(axis=0), np.nan)}

    return score


def _counts(written: Sequence[str], reference: Sequence[str]) -> list[int]:
    """Matched and possible n-grams of each length, then words of both."""
    matched, possible = [], []
    for n in range(1, LONGEST_GRAM + 1):
        ours, theirs = (
            Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for words in (written, reference)
        )
        matched.append(sum((ours & theirs).values()))
        possible.append(sum(ours.values()))
    return [*matched, *possible, len(written), len(reference)]


def _rouge_l(written: Sequence[str], reference: Sequence[str]) -> float:
    from torchmetrics.functional.text import rouge_score  # half a second to import

    found = rouge_score(" ".join(written), " ".join(reference), rouge_keys="rougeL")
    return float(found["rougeL_fmeasure"])
