"""Cohort of patients, times and carts: patients with one to many records, and the numbers that name them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.report import Dialect
from ecgmm.data.synthetic.second_cart import CART_NUMBERS
from ecgmm.data.synthetic.state import Bools, Ints

EXTRA_RECORDS_LOG_MEAN, EXTRA_RECORDS_LOG_SD = -0.1, 1.1
"""Records of a patient: 1 + floor of a log-normal number; median 1, mean about 2.2, at most ``MAX_RECORDS``."""
MAX_RECORDS = 40
SUBJECTS, STUDIES, CARTS = (10_000_032, 20_000_000), (40_000_000, 50_000_000), (6_700_000, 6_900_000)
"""Ranges of the identifiers, as in MIMIC-IV-ECG."""
N_CARTS, SUMMARY_DIALECT = 60, 0.25
"""Number of carts, and share of carts that close with "Summary: ..."."""
FIRST_DAY, LAST_DAY = datetime(2110, 1, 1), datetime(2200, 1, 1)  # shifted dates, as in MIMIC-IV-ECG
MEAN_FOLLOW_UP_DAYS = 400.0


@dataclass(frozen=True)
class Cohort:
    """One entry per record, by patient and within a patient by study number (not by time).

    Attributes:
        patient: Position of the record's patient ``[n]``.
        subject_id: Number of the patient ``[n]``.
        study_id: Number of the record ``[n]``, unique.
        cart_id: Number of the cart ``[n]``.
        time: When it was recorded, to the second.
        dialects: Dialect of the cart.
        paths: File name without extension, relative to the root.
        second: Whether the cart is of the second make and hospital ``[n]``.
    """

    patient: Ints
    subject_id: Ints
    study_id: Ints
    cart_id: Ints
    time: list[datetime]
    dialects: list[Dialect]
    paths: list[str]
    second: Bools


def sample_cohort(rng: np.random.Generator, config: SyntheticConfig, second: Bools | None = None) -> Cohort:
    """Draw patients and their records.

    Args:
        rng: Source of randomness.
        config: Number of patients.
        second: Patients of the second hospital ``[n_patients]``; None for none.

    Returns:
        The cohort in record order.
    """
    extra = np.floor(rng.lognormal(EXTRA_RECORDS_LOG_MEAN, EXTRA_RECORDS_LOG_SD, config.n_patients))
    counts = np.minimum(1 + extra.astype(np.int64), MAX_RECORDS)
    patient = np.repeat(np.arange(config.n_patients), counts)
    n = len(patient)
    is_second = np.zeros(n, dtype=np.bool_) if second is None else second[patient]
    subject = np.sort(SUBJECTS[0] + rng.choice(SUBJECTS[1] - SUBJECTS[0], config.n_patients, replace=False))[patient]
    study = STUDIES[0] + rng.choice(STUDIES[1] - STUDIES[0], n, replace=False)
    order = np.lexsort((study, patient))
    study = study[order]
    carts = CARTS[0] + rng.choice(CARTS[1] - CARTS[0], N_CARTS, replace=False)
    cart = rng.integers(N_CARTS, size=n)
    has_summary = rng.random(N_CARTS) < SUMMARY_DIALECT
    span_s = int((LAST_DAY - FIRST_DAY).total_seconds())
    seconds = rng.integers(span_s, size=config.n_patients)[patient]
    seconds += (rng.exponential(MEAN_FOLLOW_UP_DAYS, n) * 86_400).astype(np.int64)
    return Cohort(
        patient=patient,
        subject_id=subject,
        study_id=study,
        cart_id=carts[cart] + CART_NUMBERS * is_second,
        time=[FIRST_DAY + timedelta(seconds=int(s)) for s in seconds],
        dialects=[
            "second" if of_second else "summary" if has_summary[c] else "line"
            for c, of_second in zip(cart, is_second, strict=True)
        ],
        paths=[f"files/p{p // 10_000}/p{p}/s{s}/{s}" for p, s in zip(subject, study, strict=True)],
        second=is_second,
    )
