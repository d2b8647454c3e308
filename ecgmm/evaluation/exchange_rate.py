"""Share of reports that are of other records, estimated without labels, and predictions made for it.

A method that knows how likely report and waveform belong together expects a small share of exchanged reports. Where a
whole set has been mixed up, the set shows it: its share is estimated by expectation maximisation, as the shares of
classes are by Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
Neural Computation 14, 2002. What is not seen is here whether a report was exchanged.

The inconsistency of a record is ``-log p(e, t) / (p(e) p(t))``, the evidence that its report is another record's.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from ecgmm.evaluation.ranking import Floats

WEIGHED = ("as_pair", "waveform_alone")
"""Readouts that are mixed: the answer to report and waveform, and that to the waveform."""
_LEAST = 1e-6
_TOLERANCE = 1e-6


def exchange_rate(inconsistency: NDArray[np.floating]) -> float:
    """Share of exchanged reports that makes a set most likely; the likelihood has one maximum.

    Args:
        inconsistency: ``[n]``, of the records that have both modalities.

    Returns:
        A share in [1e-6, 1 - 1e-6]; 1e-6 for no records.
    """
    if not len(inconsistency):
        return _LEAST
    rate, before = 0.5, 0.0
    while abs(rate - before) > _TOLERANCE:
        before, rate = rate, float(exchange_probability(inconsistency, rate).mean())
        rate = min(max(rate, _LEAST), 1 - _LEAST)
    return rate


def exchange_probability(inconsistency: NDArray[np.floating], rate: float) -> Floats:
    """Probability that each report is another record's, ``[n]``, where a share ``rate`` of all is."""
    probability: Floats = expit(np.asarray(inconsistency, np.float64) + logit(rate))
    return probability


def with_exchange_rate(frame: pl.DataFrame, class_names: Sequence[str]) -> tuple[pl.DataFrame, float]:
    """Predict a set anew with the share of exchanged reports that it shows itself; labels are not looked at.

    Args:
        frame: Predictions with ``inconsistency`` and the readouts ``as_pair`` and ``waveform_alone``, as those of
            ``evidence_fusion`` have.
        class_names: The K classes.

    Returns:
        The table with other probabilities of the classes (records that lack a modality keep theirs), and the share.
    """
    scores = frame["inconsistency"].drop_nulls().to_numpy()
    rate = exchange_rate(scores)
    exchanged = pl.Series(exchange_probability(frame["inconsistency"].fill_null(0.0).to_numpy(), rate))
    known = frame["inconsistency"].is_not_null()
    columns = {}
    for name in class_names:
        pair, alone = frame[f"as_pair.probability.{name}"], frame[f"waveform_alone.probability.{name}"]
        mixed = (1 - exchanged) * pair + exchanged * alone
        own = frame[f"probability.{name}"]
        columns[f"probability.{name}"] = mixed.zip_with(known, own.cast(pl.Float64)).cast(own.dtype)
    return frame.with_columns(**columns), rate
