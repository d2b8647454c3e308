"""AUROC against leads, from evaluations that run directories hold."""

import csv
import io
import json
from pathlib import Path

import pytest

from ecgmm.reporting.leads import main
from tests.reporting.simulated_runs import write_run


def evaluated(run: Path, leads: list[str] | None, auroc: float) -> None:
    """Save an evaluation as ``python -m ecgmm.evaluate`` does."""
    folder = run / "evaluation"
    folder.mkdir(exist_ok=True)
    name = "+".join(leads or ["all"])
    content = json.loads((run / "metrics.json").read_text()) | ({"leads": leads} if leads else {})
    content["test/auroc_macro"]["value"] = auroc
    (folder / f"store-test-{name}.json").write_text(json.dumps(content))


def test_means_over_seeds_in_order_of_the_number_of_leads(tmp_path: Path) -> None:
    for seed in (1, 2):
        run = write_run(tmp_path / f"seed={seed}", "ecg_only", seed)
        evaluated(run, ["I", "II"], 0.6 + 0.1 * seed)
        evaluated(run, ["V1"], 0.5)
        evaluated(run, None, 0.1)  # of all leads: not one with fewer
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "leads.md").read_text()
    head = next(line for line in text.splitlines() if line.startswith("| leads at test"))
    assert [cell.strip() for cell in head.split("|")[2:-1]] == ["V1", "I II", "all 12"]
    assert "0.750 ± 0.071" in text
    assert "SYNTHETIC" in text
    lines = {line["column"]: line for line in csv.DictReader(io.StringIO((tmp_path / "leads.csv").read_text()))}
    assert float(lines["I II"]["mean"]) == pytest.approx(0.75)
    assert lines["V1"]["n_seeds"] == "2"


def test_runs_that_were_not_evaluated_with_fewer_leads_are_a_user_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "run", "ecg_only", 1)
    assert main([str(tmp_path)]) == 2
    assert "leads=[II]" in capsys.readouterr().err
