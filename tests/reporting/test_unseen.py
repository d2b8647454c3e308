"""AUROC of classes whose labels were left out, from run directories."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ecgmm.reporting.unseen import main
from tests.reporting.simulated_runs import write_run


def test_a_class_without_labels_stands_under_the_same_class_with_labels(tmp_path: Path) -> None:
    for unseen in ([], ["HYP"], ["MI"]):
        run = write_run(tmp_path / f"unseen={'+'.join(unseen)}", "ecg_only", 1)
        OmegaConf.save({"method": {"unseen_classes": unseen}}, run / "config.yaml")
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "unseen.md").read_text()
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in text.splitlines()[2:]
    }
    classes = rows["labels of training"]
    auroc = {line["class"]: line["auroc"] for line in json.loads((run / "metrics.json").read_text())["per_class"]}
    for name, with_labels, without in zip(
        classes, rows["all labels"], rows["without labels of the class"], strict=True
    ):
        assert with_labels == f"{auroc[name]:.3f}"
        assert without == (f"{auroc[name]:.3f}" if name in ("HYP", "MI") else "–")


def test_a_folder_without_runs_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "no finished run" in capsys.readouterr().err
