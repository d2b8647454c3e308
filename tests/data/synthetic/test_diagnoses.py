"""Simulated diagnoses: true findings mostly coded, none outside a stay, and much that has nothing to do with them."""

import ast

import numpy as np
import polars as pl
import pytest

from ecgmm.data.synthetic.cohort import Cohort, sample_cohort
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.diagnoses import CODED, IN_STAY, N_FOLDS, icd_table
from ecgmm.data.synthetic.state import FIBRILLATION, States, sample_states

COLUMNS = [
    *("file_name", "study_id", "subject_id", "ecg_time", "ed_stay_id", "ed_hadm_id", "hosp_hadm_id"),
    *("ed_diag_ed", "ed_diag_hosp", "hosp_diag_hosp", "all_diag_hosp", "all_diag_all"),
    *("gender", "age", "anchor_year", "anchor_age", "dod", "ecg_no_within_stay"),
    *("ecg_taken_in_ed", "ecg_taken_in_hosp", "ecg_taken_in_ed_or_hosp", "fold", "strat_fold"),
]
World = tuple[Cohort, States, pl.DataFrame]


def make(seed: int) -> World:
    config = SyntheticConfig(n_patients=2000)
    cohort = sample_cohort(np.random.default_rng(1), config)
    states = sample_states(np.random.default_rng(2), cohort.patient, config)
    return cohort, states, icd_table(np.random.default_rng(seed), cohort, states)


@pytest.fixture(scope="module")
def world() -> World:
    return make(3)


def test_the_table_has_the_published_columns_and_is_drawn_from_its_seed(world: World) -> None:
    table = world[2]
    assert table.columns == COLUMNS
    assert table.equals(make(3)[2])
    assert not table.equals(make(4)[2])


def test_a_patient_is_in_one_fold_and_every_fold_is_used(world: World) -> None:
    folds = world[2].group_by("subject_id").agg(pl.col("fold").n_unique(), pl.col("strat_fold").n_unique())
    assert set(folds["fold"]) == set(folds["strat_fold"]) == {1}
    assert set(world[2]["fold"]) == set(range(N_FOLDS))


def test_codes_follow_the_state_as_often_as_stated_and_others_do_not(world: World) -> None:
    cohort, states, table = world
    truth = pl.DataFrame({"study_id": cohort.study_id, "fibrillation": states.rhythm == FIBRILLATION})
    stays = table.join(truth, on="study_id").filter("ecg_taken_in_ed_or_hosp")
    codes = [ast.literal_eval(text) for text in stays["all_diag_all"]]
    fibrillation = stays["fibrillation"].to_numpy()
    i4891, i10 = (np.array([code in row for row in codes]) for code in ("I4891", "I10"))
    assert not i4891[~fibrillation].any()
    assert i4891[fibrillation].mean() == pytest.approx(CODED, abs=0.1)
    assert i10[fibrillation].mean() == pytest.approx(i10[~fibrillation].mean(), abs=0.1)


def test_records_outside_a_stay_have_an_empty_list_and_the_columns_agree(world: World) -> None:
    table = world[2]
    assert table["ecg_taken_in_ed_or_hosp"].mean() == pytest.approx(IN_STAY, abs=0.05)
    outside = table.filter(~pl.col("ecg_taken_in_ed_or_hosp"))
    assert set(outside["all_diag_all"]) == {"[]"}
    assert set(outside["ecg_no_within_stay"]) == {-1}
    either = pl.when(pl.col("ecg_taken_in_ed")).then("ed_diag_ed").otherwise("hosp_diag_hosp")
    assert table.select((either == pl.col("all_diag_all")).all()).item()
