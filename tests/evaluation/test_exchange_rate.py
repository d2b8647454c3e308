"""The share of exchanged reports is found without labels, and a set of foreign reports is answered by the waveform."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from ecgmm.evaluation.exchange_rate import exchange_probability, exchange_rate, with_exchange_rate


def scores(share: float, n: int = 5_000) -> NDArray[np.float64]:
    """Scores that are the ratio of likelihoods that they claim: normal of variance 1, own at -1/2, others at 1/2."""
    generator = np.random.default_rng(0)
    exchanged = generator.random(n) < share
    return generator.standard_normal(n) + np.where(exchanged, 0.5, -0.5)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.7, 1.0])
def test_a_planted_share_is_found(share: float) -> None:
    assert exchange_rate(scores(share)) == pytest.approx(share, abs=0.03)


def test_no_records_have_no_exchanged_report() -> None:
    assert exchange_rate(np.array([])) == pytest.approx(0, abs=1e-5)


def test_probability_by_hand() -> None:
    ratio = 4.0  # the report belongs to the waveform four times as likely as not
    expected = 0.2 / (0.2 + 0.8 * ratio)
    assert exchange_probability(np.array([-np.log(ratio)]), 0.2) == pytest.approx([expected])


def frame_of(inconsistency: list[float | None]) -> pl.DataFrame:
    n = len(inconsistency)
    return pl.DataFrame(
        {
            "probability.A": pl.Series([0.5] * n, dtype=pl.Float32),
            "as_pair.probability.A": [0.9] * n,
            "waveform_alone.probability.A": [0.1] * n,
            "inconsistency": pl.Series(inconsistency, dtype=pl.Float32),
        }
    )


def test_where_every_report_is_foreign_the_waveform_answers() -> None:
    adapted, rate = with_exchange_rate(frame_of([3.0, 4.0, 5.0, None]), ["A"])
    assert rate == pytest.approx(1, abs=1e-3)
    assert adapted["probability.A"].to_list() == pytest.approx([0.1, 0.1, 0.1, 0.5], abs=1e-3)
    assert adapted.schema == frame_of([1.0]).schema


def test_where_every_report_is_the_records_own_both_answer() -> None:
    adapted, rate = with_exchange_rate(frame_of([-3.0, -4.0, -5.0]), ["A"])
    assert rate == pytest.approx(0, abs=1e-3)
    assert adapted["probability.A"].to_list() == pytest.approx([0.9] * 3, abs=1e-3)
