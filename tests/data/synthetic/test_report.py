"""Reports say what was perceived, in cart wording, and know nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgmm.data.synthetic import wording
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.report import MAX_STATEMENTS, Dialect, Perceived, sample_reports, write
from ecgmm.data.synthetic.state import CD, MI, Bools, States, sample_states

N = 3000
CONFIG = SyntheticConfig(n_patients=N)
INFARCT = re.compile("infarct", re.IGNORECASE)
REAL_STATEMENTS = Path(__file__).parents[4] / "shared" / "data" / "machine_statements.txt"


@pytest.fixture(scope="module")
def states() -> States:
    return sample_states(np.random.default_rng(0), np.arange(N), CONFIG)


def reports_of(states: States, config: SyntheticConfig = CONFIG, dialect: Dialect = "line") -> list[list[str]]:
    return sample_reports(np.random.default_rng(1), states, np.full(len(states), 40.0), [dialect] * len(states), config)


def mentions(reports: list[list[str]], pattern: re.Pattern[str]) -> Bools:
    return np.array([any(pattern.search(line) for line in report) for report in reports])


def test_eighteen_columns_with_empty_ones_between_and_one_percent_without_text(states: States) -> None:
    reports = reports_of(states)
    assert {len(report) for report in reports} == {MAX_STATEMENTS}
    assert np.mean([not any(report) for report in reports]) == pytest.approx(CONFIG.missing_report, abs=0.006)
    gaps = ["" in report[: max(i for i, line in enumerate(report) if line)] for report in reports if any(report)]
    assert 0.1 < np.mean(gaps) < 0.5
    assert all(report[0] for report in reports if any(report))


def test_perfect_cart_names_every_finding_and_no_other(states: States) -> None:
    perfect = replace(CONFIG, omission=0, hedge=0, wrong_statement=0, missing_report=0)
    np.testing.assert_array_equal(mentions(reports_of(states, perfect), INFARCT), states.present[:, MI])


def test_omission_and_wrong_statement_rates_are_the_documented_ones(states: States) -> None:
    said = mentions(reports_of(states, replace(CONFIG, missing_report=0)), INFARCT)
    present = states.present[:, MI]
    assert said[present].mean() == pytest.approx(1 - CONFIG.omission, abs=0.06)  # some lines say "injury"
    assert said[~present].mean() == pytest.approx(CONFIG.wrong_statement / 4, abs=0.02)


def test_a_cart_that_always_hedges_hedges_every_conduction_statement(states: States) -> None:
    always = replace(CONFIG, omission=0, hedge=1, wrong_statement=0, missing_report=0)
    hedged = re.compile("possible|probable|consider|borderline|rsr|conduction defect of", re.IGNORECASE)
    abnormal = states.present[:, CD]
    assert mentions(reports_of(states, always), hedged)[abnormal].all()


def test_report_does_not_depend_on_what_was_not_perceived(states: States) -> None:
    blind = replace(CONFIG, omission=1, wrong_statement=0)
    sick = reports_of(replace(states, present=np.ones_like(states.present)), blind)
    firm = re.compile("infarct -|bundle branch block|ventricular hypertrophy|suggest myocardial", re.IGNORECASE)
    assert not mentions(sick, firm).any()
    other_effects = replace(states, effect=1 - states.effect)
    assert reports_of(states) == reports_of(other_effects)


def test_same_perception_gives_the_same_words() -> None:
    perceived = Perceived("atrial_fibrillation", 130.0, 0, 0, (), False, False, False, False)
    lines = [write(np.random.default_rng(s), perceived, "line") for s in range(50)]
    assert lines == [write(np.random.default_rng(s), perceived, "line") for s in range(50)]
    text = " ".join(line for report in lines for line in report).lower()
    assert "with rapid ventricular response" in text
    assert "abnormal ecg" in text


def test_dialects_close_differently_and_some_reports_are_in_capitals(states: States) -> None:
    line, summary = reports_of(states), reports_of(states, dialect="summary")
    assert not mentions(line, re.compile("^Summary:")).any()
    assert mentions(summary, re.compile("^Summary:")).mean() > 0.8
    loud = [report for report in line if any(report) and all(s == s.upper() for s in report)]
    assert 0.02 < len(loud) / len(line) < 0.07


@pytest.mark.skipif(not REAL_STATEMENTS.exists(), reason="the list of real cart statements is not beside the project")
def test_wording_is_that_of_real_carts() -> None:
    real = {line.strip().rstrip(".").lower() for line in REAL_STATEMENTS.read_text(encoding="utf-8").splitlines()}
    tables = (wording.ST_T_WORDING, wording.CONDUCTION_WORDING, wording.CHAMBER_WORDING)
    findings = [wording.OLD_INFARCT, wording.ACUTE_INFARCT, *(w for table in tables for w in table.values())]
    written = {line.replace("{R}", "inferior").replace("{r}", "inferior").replace("{U}", "anterior").lower()
               for finding in findings for choices in finding for line in choices}  # fmt: skip
    assert len(written & real) / len(written) > 0.6
