"""Hidden states: population shares, superclass rule, correlation within a patient."""

from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import pearsonr

from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.state import (
    CD,
    CHAMBER,
    CONDUCTION,
    HYP,
    SINUS_RHYTHMS,
    States,
    sample_states,
    superclass_flags,
)
from ecgmm.errors import ConfigError

CONFIG = SyntheticConfig(n_patients=10_000)
PATIENT = np.repeat(np.arange(10_000), 2)


@pytest.fixture(scope="module")
def states() -> States:
    return sample_states(np.random.default_rng(0), PATIENT, CONFIG)


def test_normal_means_no_other_class() -> None:
    present = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0]], dtype=np.bool_)
    assert superclass_flags(present).tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 0]]


def test_three_quarters_have_one_class_and_no_record_more_than_two(states: States) -> None:
    count = superclass_flags(states.present).sum(axis=1)
    assert set(count) == {1, 2}
    assert (count == 1).mean() == pytest.approx(1 - 0.6 * 0.42, abs=0.01)


def test_class_shares_are_uneven_and_all_present(states: States) -> None:
    flags = superclass_flags(states.present)
    assert flags[:, 0].mean() == pytest.approx(0.40, abs=0.015)
    shares = flags[flags.sum(axis=1) == 1].mean(axis=0)
    assert list(np.argsort(-shares)) == [0, 1, 2, 3, 4]


def test_records_of_a_patient_resemble_each_other_but_not_those_of_another(states: States) -> None:
    normal = superclass_flags(states.present)[:, 0].reshape(-1, 2)
    assert 0.5 < pearsonr(normal[:, 0], normal[:, 1]).statistic < 0.8
    assert abs(pearsonr(normal[:-1, 0], normal[1:, 0]).statistic) < 0.03


def test_findings_that_need_a_p_wave_have_one(states: States) -> None:
    block = states.present[:, CD] & (states.conduction == list(CONDUCTION).index("first_degree_avb"))
    atrial = states.present[:, HYP] & (states.chamber >= list(CHAMBER).index("lae"))
    assert (block | atrial).sum() > 100
    assert np.isin(states.rhythm[block | atrial], SINUS_RHYTHMS).all()


def test_effects_overlap_between_present_and_absent(states: States) -> None:
    shown, hinted = states.effect[states.present], states.effect[~states.present]
    assert shown.mean() == pytest.approx(1 - CONFIG.ambiguity, abs=0.02)
    assert (hinted > 0).mean() == pytest.approx(CONFIG.mimic, abs=0.01)
    assert (shown < 0.2).mean() > 0.05
    assert ((states.effect >= 0) & (states.effect <= 1)).all()


@pytest.mark.parametrize(("name", "value"), [("n_patients", 0), ("omission", 1.2), ("ambiguity", 1.0), ("noise", -1.0)])
def test_impossible_rates_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        SyntheticConfig(**cast(dict[str, Any], {name: value}))
