"""AUROC against the share of labelled patients, from simulated runs."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ecgmm.reporting.few_labels import main
from tests.reporting.simulated_runs import write_run

READOUTS = ("report", "zero_shot", "linear_probe")


def write(folder: Path, seed: int, share: float, pretrain_epochs: int, like: str, train_fraction: float = 1.0) -> None:
    patients = round(1000 * share) + seed
    run = write_run(
        folder,
        "ecg_clip",
        seed,
        readouts=READOUTS,
        predicts_like=like,
        stages="two",
        label_fraction=share,
        labelled={"split": "train", "records": 2 * patients, "patients": patients},
        train_fraction=train_fraction,
        init=None,
    )
    config = OmegaConf.load(run / "config.yaml")
    changed = {"pretrain_epochs": pretrain_epochs, "label_fraction": share, "init": {"run": None}}
    OmegaConf.save(OmegaConf.merge(config, changed), run / "config.yaml")


def test_each_row_stands_beside_its_control(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, share, skill in ((1, 0.1, "ecg_only"), (2, 0.1, "ecg_only"), (1, 1.0, "concat")):
        write(tmp_path / f"{seed}-{share}-pairs", seed, share, 12, skill)
        write(tmp_path / f"{seed}-{share}-none", seed, share, 0, "majority")
    write(tmp_path / "few", 1, 0.1, 12, "text_only", train_fraction=0.3)
    assert main([str(tmp_path), "--resamples", "5"]) == 0
    printed = capsys.readouterr().out
    assert "SYNTHETIC" in printed
    lines = {line.split("|")[1].strip(): line for line in printed.splitlines() if line.startswith("| ")}
    assert lines["row"].split("|")[2:4] == [" 10 % (101–102 patients) ", " 100 % (1,001 patients) "]
    assert "ecg_clip, fine-tuning" in lines
    assert lines["ecg_clip, from scratch"].count("0.500 (0.500–0.500)") == 2  # of majority
    assert "–" in lines["ecg_clip, fine-tuning, 30% of the pairs"].split("|")[3]
    gains = lines["ecg_clip, fine-tuning minus from scratch"].split("|")[2:4]
    assert all(gain.strip().startswith("+0.") for gain in gains)
    assert not any("report" in name for name in lines)  # it sees the report
    assert "'+" not in (tmp_path / "few_labels.csv").read_text()
    assert (tmp_path / "few_labels.png").stat().st_size > 1000


def test_twins_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "other"):
        write(tmp_path / name, 1, 0.1, 12, "ecg_only")
    assert main([str(tmp_path)]) == 2
    assert "are both ecg_clip" in capsys.readouterr().err
