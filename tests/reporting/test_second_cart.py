"""The table of the second cart, from run directories and their evaluations."""

import json
from pathlib import Path
from typing import Any

import pytest

from ecgmm.files import write_json
from ecgmm.reporting.second_cart import main
from tests.reporting.simulated_runs import write_run

ABOUT = {
    "store": "there",
    "source": "synthetic",
    "fingerprint": "0",
    "synthetic": True,
    "split": "test",
    "selection": "exactly_one",
    "only_model": [],
    "only_store": [],
    "labels": {"name": "superclass", "source": "simulation", "classes": ["NORM"]},
    "patients": {"ids_compared": True, "contents_compared": True},
    "without_report": 0,
}


def evaluated(run: Path, name: str, auroc: float, **more: Any) -> None:
    """An evaluation of a run on the second cart, with this AUROC."""
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["test/auroc_macro"]["value"] = auroc
    (run / "evaluation").mkdir(exist_ok=True)
    write_json(run / "evaluation" / f"{name}.json", {**metrics, "external": ABOUT, **more})


def test_an_adaptation_says_what_it_wins_back(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "ecg_only", 1)
    home = json.loads((run / "metrics.json").read_text())["test/auroc_macro"]["value"]
    evaluated(run, "second_cart", home - 0.10)
    evaluated(run, "second_cart_adapted", home - 0.04, adaptation={"steps": ["batch_norm"], "n_records": 9})
    evaluated(run, "elsewhere", 0.5)
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "second_cart.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ecg")]
    assert [row[0] for row in rows] == ["ecg_only, as it is", "ecg_only, adapted: batch_norm"]
    assert [row[2:4] for row in rows] == [[f"{home - 0.10:.3f}", "–"], [f"{home - 0.04:.3f}", "0.600"]]


def test_runs_that_have_not_met_it_are_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "run", "ecg_only", 1)
    assert main([str(tmp_path)]) == 2
    assert "data.second_cart=1" in capsys.readouterr().err
