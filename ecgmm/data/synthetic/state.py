"""The hidden clinical state of every record: what is wrong with the heart, how plainly, and in which rhythm it beats.

A patient has one set of findings and one rhythm. Each record keeps them with a fixed probability and otherwise draws
new ones from the same population, so population shares hold and records of a patient are correlated.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ecgmm.data.synthetic import second_cart
from ecgmm.data.synthetic.config import SyntheticConfig

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
GROUPS = SUPERCLASSES[1:]
MI, STTC, CD, HYP = range(len(GROUPS))
PRIMARY_SHARES = (0.40, 0.18, 0.17, 0.15, 0.10)
"""Share of records by first (for NORM: only) superclass, uneven in the order of PTB-XL."""
SECOND_FINDING = 0.42
"""Share of abnormal records with a second superclass: 0.6 x 0.42 leaves 75 % of records with exactly one."""
PERSISTENCE = 0.8
"""Probability that a record shows its patient's own findings and rhythm."""

REGIONS = {"inferior": 0.40, "anteroseptal": 0.22, "anterior": 0.16, "anterolateral": 0.12, "lateral": 0.10}
ACUTE_INFARCT = 0.25
ST_T = {"ischemia": 0.40, "nonspecific_t": 0.30, "nonspecific_st": 0.15, "long_qt": 0.15}
CONDUCTION = {"first_degree_avb": 0.16, "incomplete_rbbb": 0.13, "rbbb": 0.20, "lbbb": 0.15, "lafb": 0.18, "lpfb": 0.04,
              "ivcd": 0.14}  # fmt: skip
CHAMBER = {"lvh": 0.62, "rvh": 0.12, "lae": 0.16, "rae": 0.10}
RHYTHM = {"sinus": 0.63, "sinus_bradycardia": 0.11, "sinus_tachycardia": 0.09, "sinus_arrhythmia": 0.04,
          "atrial_fibrillation": 0.08, "atrial_flutter": 0.02, "paced": 0.03}  # fmt: skip
LOW_VOLTAGE = 0.03
EARLY_REPOLARIZATION = 0.04
ECTOPY = 0.09
"""Share of records with premature atrial beats, and of records with premature ventricular beats (1 to 4 a record)."""
EFFECT_CONCENTRATION = 2.5
"""a + b of the Beta distribution of effects; its mean is 1 - ambiguity where a finding is present."""
MIMIC_MEAN = 0.25
"""Mean effect of a finding that is absent and only hinted at."""

SINUS_RHYTHMS = tuple(i for i, name in enumerate(RHYTHM) if name.startswith("sinus"))
PACED = list(RHYTHM).index("paced")
FIBRILLATION, FLUTTER = list(RHYTHM).index("atrial_fibrillation"), list(RHYTHM).index("atrial_flutter")


@dataclass(frozen=True)
class States:
    """One entry per record, ``[n]`` unless said otherwise; kinds are positions in this module's tables.

    The kinds are drawn for every record. Whether they count is said by ``present`` (the truth) and how strongly they
    show in the waveform by ``effect``: an absent finding may have one (a normal variant), a present one nearly none.

    Attributes:
        present: bool ``[n, 4]``, finding present, in the order of ``GROUPS``.
        effect: float ``[n, 4]`` in [0, 1], share of the finding's full effect on the waveform.
        region: Region of the infarct.
        acute: Whether the infarct is acute.
        st_t: Kind of repolarisation change.
        st_t_region: Region of ischaemia.
        conduction: Kind of conduction disturbance.
        chamber: Kind of hypertrophy or atrial enlargement.
        rhythm: Rhythm.
        rate_bpm: Mean ventricular rate in beats a minute, before ectopy.
        pacs: Number of premature atrial beats within the record.
        pvcs: Number of premature ventricular beats within the record.
        low_voltage: Small complexes in all leads.
        early_repolarization: Normal variant with raised ST.
    """

    present: Bools
    effect: Floats
    region: Ints
    acute: Bools
    st_t: Ints
    st_t_region: Ints
    conduction: Ints
    chamber: Ints
    rhythm: Ints
    rate_bpm: Floats
    pacs: Ints
    pvcs: Ints
    low_voltage: Bools
    early_repolarization: Bools

    def __len__(self) -> int:
        """Number of records."""
        return len(self.rhythm)

    def __getitem__(self, rows: slice | Ints) -> Self:
        """States of the chosen rows."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    def shows(self, group: int, kind: Ints, name_position: int) -> Floats:
        """Effect of one kind of a group, 0 where another kind was drawn, float ``[n]``."""
        shown: Floats = self.effect[:, group] * (kind == name_position)
        return shown


def superclass_flags(present: Bools) -> Ints:
    """Turn findings into 0/1 columns in the order of ``SUPERCLASSES``; NORM where nothing else is, int ``[n, 5]``."""
    return np.column_stack([~present.any(axis=1), present]).astype(np.int64)


def sample_states(
    rng: np.random.Generator, patient_of_record: Ints, config: SyntheticConfig, second: Bools | None = None
) -> States:
    """Draw the state of every record.

    Args:
        rng: Source of randomness.
        patient_of_record: Position of each record's patient, ``[n]``.
        config: Rates.
        second: Patients of the second hospital ``[n_patients]``; None for none.

    Returns:
        The states in record order.
    """
    of_second = np.zeros(config.n_patients, dtype=np.bool_) if second is None else second
    own = _sample(rng, of_second)[patient_of_record]
    fresh = _sample(rng, of_second[patient_of_record])
    keep_findings, keep_rhythm = rng.random((2, len(patient_of_record))) < PERSISTENCE
    merged = {f.name: getattr(fresh, f.name) for f in fields(States)}
    for name in ("present", "region", "acute", "st_t", "st_t_region", "conduction", "chamber", "low_voltage"):
        keep = keep_findings[:, None] if merged[name].ndim == 2 else keep_findings
        merged[name] = np.where(keep, getattr(own, name), merged[name])
    for name in ("rhythm", "rate_bpm"):
        merged[name] = np.where(keep_rhythm, getattr(own, name), merged[name])
    merged["effect"] = _sample_effects(rng, merged["present"], config)
    return _reconcile(States(**merged))


def _sample(rng: np.random.Generator, second: Bools) -> States:
    n = len(second)
    rhythm = _choice(rng, RHYTHM, n)
    present = _sample_present(rng, np.where(second[:, None], second_cart.PRIMARY_SHARES, PRIMARY_SHARES))
    pacs, pvcs = rng.integers(1, 5, (2, n)) * (rng.random((2, n)) < ECTOPY)
    return States(
        present=present,
        effect=np.zeros(present.shape),
        region=_choice(rng, REGIONS, n),
        acute=rng.random(n) < ACUTE_INFARCT,
        st_t=_choice(rng, ST_T, n),
        st_t_region=_choice(rng, REGIONS, n),
        conduction=_choice(rng, CONDUCTION, n),
        chamber=_choice(rng, CHAMBER, n),
        rhythm=rhythm,
        rate_bpm=_sample_rate(rng, rhythm),
        pacs=pacs,
        pvcs=pvcs,
        low_voltage=rng.random(n) < LOW_VOLTAGE,
        early_repolarization=rng.random(n) < EARLY_REPOLARIZATION,
    )


def _choice(rng: np.random.Generator, table: dict[str, float], n: int) -> Ints:
    return rng.choice(len(table), size=n, p=list(table.values()))


def _sample_present(rng: np.random.Generator, shares: Floats) -> Bools:
    """Findings ``[n, 4]`` by each record's own shares of superclasses ``[n, 5]``."""
    n = len(shares)
    chosen_below = shares.cumsum(axis=1)
    first = (rng.random((n, 1)) >= chosen_below / chosen_below[:, -1:]).sum(axis=1)
    weights = shares[:, 1:] * (np.arange(1, len(SUPERCLASSES)) != first[:, None])
    cumulative = np.cumsum(weights, axis=1)
    second = 1 + (rng.random((n, 1)) * cumulative[:, -1:] > cumulative).sum(axis=1)
    has_second = (first > 0) & (rng.random(n) < SECOND_FINDING)
    numbers = np.arange(1, len(SUPERCLASSES))
    present: Bools = (numbers == first[:, None]) | ((numbers == second[:, None]) & has_second[:, None])
    return present


def _sample_rate(rng: np.random.Generator, rhythm: Ints) -> Floats:
    spread = rng.standard_normal(len(rhythm))
    conducted = 300.0 / rng.choice([2, 3, 4], size=len(rhythm), p=[0.3, 0.2, 0.5])  # flutter waves come at 300 a minute
    by_rhythm = {
        "sinus": np.clip(75 + 10 * spread, 60, 99),
        "sinus_bradycardia": np.clip(53 + 5 * spread, 38, 59),
        "sinus_tachycardia": np.clip(112 + 11 * spread, 101, 150),
        "sinus_arrhythmia": np.clip(70 + 9 * spread, 55, 95),
        "atrial_fibrillation": np.clip(92 * np.exp(0.25 * spread), 45, 165),
        "atrial_flutter": conducted,
        "paced": np.clip(70 + 6 * spread, 60, 90),
    }
    return np.stack([by_rhythm[name] for name in RHYTHM])[rhythm, np.arange(len(rhythm))]


def _sample_effects(rng: np.random.Generator, present: Bools, config: SyntheticConfig) -> Floats:
    k = EFFECT_CONCENTRATION
    shown = rng.beta(k * (1 - config.ambiguity), k * config.ambiguity, present.shape)
    hinted = rng.beta(k * MIMIC_MEAN, k * (1 - MIMIC_MEAN), present.shape)
    hinted *= rng.random(present.shape) < config.mimic
    return np.where(present, shown, hinted)


def _reconcile(states: States) -> States:
    """Findings that only a P wave can show make the rhythm sinus; a sinus rate is drawn from what the rhythm allows."""
    kinds = list(CONDUCTION), list(CHAMBER)
    needs_p = states.present[:, CD] & (states.conduction == kinds[0].index("first_degree_avb"))
    needs_p |= states.present[:, HYP] & (states.chamber >= kinds[1].index("lae"))
    move = needs_p & ~np.isin(states.rhythm, SINUS_RHYTHMS)
    states.rhythm[move] = list(RHYTHM).index("sinus")
    states.rate_bpm[move] = np.clip(states.rate_bpm[move], 60, 99)
    states.pacs[~np.isin(states.rhythm, SINUS_RHYTHMS)] = 0
    return states
