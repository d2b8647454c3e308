"""Discharge diagnoses of simulated stays, in the layout of MIMIC-IV-ECG-Ext-ICD (``records_w_diag_icd10.csv``).

Coders write what they know of the patient: most true findings, heart failure that no tracing shows, and much that has
nothing to do with the heart. They see neither waveform nor report.
"""

import numpy as np
import polars as pl

from ecgmm.data.synthetic.cohort import Cohort
from ecgmm.data.synthetic.state import (
    CD,
    CHAMBER,
    CONDUCTION,
    HYP,
    MI,
    REGIONS,
    RHYTHM,
    ST_T,
    STTC,
    Bools,
    Ints,
    States,
)

IN_STAY, IN_EMERGENCY = 0.585, 0.39
"""Share of records within a stay, and share of those in the emergency department (as in MIMIC-IV-ECG-Ext-ICD)."""
CODED = 0.7
"""Share of true findings that have a code in the stay's diagnoses."""
UNSTABLE_ANGINA = 0.3
"""Share of ischaemias that are coded as unstable angina and not as chronic disease."""
HEART_FAILURE = (0.06, 0.30)
"""Share of stays with heart failure: without and with infarct or hypertrophy."""
N_FOLDS = 20

ACUTE_INFARCT = {"inferior": "I2119", "anteroseptal": "I2109", "anterior": "I2109", "anterolateral": "I2109",
                 "lateral": "I2129"}  # fmt: skip
OLD_INFARCT, ANGINA, ISCHAEMIA = "I252", "I200", "I2510"
ST_T_CODE = {"ischemia": "", "nonspecific_t": "R9431", "nonspecific_st": "R9431", "long_qt": "I4581"}
CONDUCTION_CODE = {"first_degree_avb": "I440", "incomplete_rbbb": "I4510", "rbbb": "I4510", "lbbb": "I447",
                   "lafb": "I444", "lpfb": "I445", "ivcd": "I454"}  # fmt: skip
CHAMBER_CODE = {"lvh": "I517", "rvh": "I2781", "lae": "I517", "rae": "I517"}
RHYTHM_CODE = {"sinus": "", "sinus_bradycardia": "R001", "sinus_tachycardia": "R000", "sinus_arrhythmia": "I498",
               "atrial_fibrillation": "I4891", "atrial_flutter": "I4892", "paced": "Z950"}  # fmt: skip
FAILURE_CODE, PAC_CODE, PVC_CODE = "I5022", "I491", "I493"
UNRELATED = {"I10": 0.42, "E785": 0.36, "E119": 0.22, "Z87891": 0.22, "K219": 0.20, "D649": 0.14, "N179": 0.14,
             "F329": 0.13, "J449": 0.09, "N390": 0.08, "S72001A": 0.02, "T360X5A": 0.02}  # fmt: skip
"""Codes that have nothing to do with the state, and the share of stays that have them."""


def icd_table(rng: np.random.Generator, cohort: Cohort, states: States) -> pl.DataFrame:
    """Draw stays and their diagnoses.

    Args:
        rng: Source of randomness.
        cohort: Who and when.
        states: Hidden states.

    Returns:
        One row per record, by patient and time, with the columns of the published file; each record has its own stay.
    """
    n = len(states)
    in_stay, in_ed = rng.random(n) < IN_STAY, rng.random(n) < IN_EMERGENCY
    written = _diagnoses(rng, states)
    fold_of_patient = rng.permutation(int(cohort.patient.max()) + 1) % N_FOLDS
    fold = fold_of_patient[cohort.patient]
    ed, hospital = in_stay & in_ed, in_stay & ~in_ed
    nothing, empty = ["[]"] * n, pl.repeat(None, n, dtype=pl.Int64, eager=True)

    def where(stays: Bools) -> list[str]:
        return [text if inside else "[]" for text, inside in zip(written, stays, strict=True)]

    return pl.DataFrame({
        "file_name": cohort.paths,
        "study_id": cohort.study_id,
        "subject_id": cohort.subject_id,
        "ecg_time": [f"{time:%Y-%m-%d %H:%M:%S}" for time in cohort.time],
        **dict.fromkeys(("ed_stay_id", "ed_hadm_id", "hosp_hadm_id"), empty),
        "ed_diag_ed": where(ed),
        "ed_diag_hosp": nothing,
        "hosp_diag_hosp": where(hospital),
        "all_diag_hosp": where(hospital),
        "all_diag_all": where(in_stay),
        "gender": ["missing"] * n,
        **dict.fromkeys(("age", "anchor_year", "anchor_age", "dod"), empty),
        "ecg_no_within_stay": np.where(in_stay, 0, -1),
        "ecg_taken_in_ed": ed,
        "ecg_taken_in_hosp": hospital,
        "ecg_taken_in_ed_or_hosp": in_stay,
        "fold": fold,
        "strat_fold": (fold + 7) % N_FOLDS,
    }).sort("subject_id", "ecg_time", "study_id")  # fmt: skip


def _diagnoses(rng: np.random.Generator, states: States) -> list[str]:
    """Every record's list of codes as text of a Python list, sorted and without repetition."""
    n = len(states)
    columns = [*_findings(rng, states), _heart_failure(rng, states)]
    coded = [np.where(rng.random(n) < CODED, column, "") for column in columns]
    coded += [np.where(rng.random(n) < share, code, "") for code, share in UNRELATED.items()]
    return [str(sorted({str(code) for code in row if code})) for row in zip(*coded, strict=True)]


def _findings(rng: np.random.Generator, states: States) -> list[np.ndarray[tuple[int], np.dtype[np.str_]]]:
    """Code of each kind of finding, ``[n]`` each, empty where there is none."""

    def code(codes: dict[str, str], names: dict[str, float], kinds: Ints) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
        return np.array([codes[name] for name in names])[kinds]

    present = states.present
    infarct = np.where(states.acute, code(ACUTE_INFARCT, REGIONS, states.region), OLD_INFARCT)
    ischaemic = states.st_t == list(ST_T).index("ischemia")
    angina = np.where(rng.random(len(states)) < UNSTABLE_ANGINA, ANGINA, ISCHAEMIA)
    st_t = np.where(ischaemic, angina, code(ST_T_CODE, ST_T, states.st_t))
    return [
        np.where(present[:, MI], infarct, ""),
        np.where(present[:, STTC], st_t, ""),
        np.where(present[:, CD], code(CONDUCTION_CODE, CONDUCTION, states.conduction), ""),
        np.where(present[:, HYP], code(CHAMBER_CODE, CHAMBER, states.chamber), ""),
        code(RHYTHM_CODE, RHYTHM, states.rhythm),
        np.where(states.pacs > 0, PAC_CODE, ""),
        np.where(states.pvcs > 0, PVC_CODE, ""),
    ]


def _heart_failure(rng: np.random.Generator, states: States) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    burdened = states.present[:, MI] | states.present[:, HYP]
    return np.where(rng.random(len(states)) < np.where(burdened, *HEART_FAILURE[::-1]), FAILURE_CODE, "")
