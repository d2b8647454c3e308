"""AUROC against leads, from what runs made of the suite of disturbances."""

import re
from pathlib import Path

import pytest

from ecgmm.reporting.leads import KIND, by_leads, main
from ecgmm.reporting.robustness_scores import rows_of
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import write_run
from tests.reporting.simulated_suites import met

SKILLS = {"clean": 3.0, KIND: 1.0}


def test_every_row_that_sees_a_waveform_has_its_numbers_with_intervals(tmp_path: Path) -> None:
    for method, seed in (("ecg_only", 1), ("ecg_only", 2), ("concat", 1), ("text_only", 1)):
        met(write_run(tmp_path / f"{method}-{seed}", method, seed), seed, SKILLS, weakest=0)
    assert main([str(tmp_path), "--resamples", "5"]) == 0
    lines = (tmp_path / "leads.csv").read_text().splitlines()
    assert lines[0].startswith("# SYNTHETIC data.")
    assert lines[1] == "leads at test,II,I II,I II V2,I II III V2,I II III aVR aVL aVF,all 12"
    assert [line.split(",")[0] for line in lines[2:]] == ["`concat`", "`ecg_only`"]
    assert all(re.fullmatch(r"0\.\d{3} \(0\.\d{3}–[01]\.\d{3}\)", cell) for cell in lines[2].split(",")[1:])
    assert (tmp_path / "leads.png").stat().st_size > 1000
    row = next(row for row in rows_of(find_runs([tmp_path])[0], None, 20, 0) if row.label == "ecg_only")
    found = by_leads(row)
    assert list(found) == [1, 2, 3, 4, 6, 12]
    assert all(found[n_leads].high < found[12].value for n_leads in (1, 2, 3, 4, 6))


def test_runs_that_have_not_met_fewer_leads_are_a_user_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    met(write_run(tmp_path / "run", "ecg_only", 1), 1, {"clean": 3.0, "drift": 1.0})
    assert main([str(tmp_path)]) == 2
    assert "kinds=[fewer_leads]" in capsys.readouterr().err
