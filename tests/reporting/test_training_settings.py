"""Runs that belong together: other settings of training make a marked row, and never the same one."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ecgmm.reporting.grouping import common_choices, group_runs
from ecgmm.reporting.table2 import main
from ecgmm.runs.run import Run, find_runs
from tests.reporting.simulated_runs import csv_lines, markdown, write_run


def changed(folder: Path, settings: dict[str, Any]) -> Path:
    config = OmegaConf.load(folder / "config.yaml")
    OmegaConf.save(OmegaConf.merge(config, settings), folder / "config.yaml")
    return folder


def labels_of(folder: Path, *axes: str) -> set[str]:
    runs, _ = find_runs([folder])
    return {key.label for key in group_runs(runs, common_choices(runs, *axes))}


def test_a_run_of_twice_the_epochs_is_a_marked_row(tmp_path: Path) -> None:
    for method in ("ecg_only", "gated_fusion", "concat"):
        write_run(tmp_path / method, method, 1)
    changed(write_run(tmp_path / "long", "concat", 1), {"trainer": {"max_epochs": 24}})
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert {"concat", "concat, trainer.max_epochs=24"} <= set(csv_lines(tmp_path))
    assert "rows that differ say so" not in (tmp_path / "table2.md").read_text()  # the setting says it itself
    assert "says which" in markdown(tmp_path)


def test_seeds_of_other_settings_are_never_averaged(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_run(tmp_path / f"{seed}", "concat", seed)
    changed(write_run(tmp_path / "3", "concat", 3), {"optimizer": {"lr": 0.1}, "sampling": "balanced"})
    write_run(tmp_path / "4", "ecg_only", 3)
    assert labels_of(tmp_path) == {"concat", "concat, optimizer.lr=0.1", "ecg_only"}  # no other run says its sampling


def test_an_encoder_of_another_kind_says_its_kind_alone(tmp_path: Path) -> None:
    encoder = {"_target_": "ecgmm.models.ecg_encoders.convolutional.Convolutional", "dim": 128}
    other = {"_target_": "ecgmm.models.ecg_encoders.resnet.ResNet", "dim": 64}
    for seed in (1, 2):
        changed(write_run(tmp_path / f"{seed}", "concat", seed), {"method": {"ecg_encoder": encoder}})
    changed(write_run(tmp_path / "other", "concat", 3), {"method": {"ecg_encoder": other}})
    changed(write_run(tmp_path / "own", "ecg_only", 1), {"method": {"ecg_encoder": other}})
    assert labels_of(tmp_path) == {"concat", "concat, method.ecg_encoder=ResNet", "ecg_only"}


def test_what_the_data_decide_is_no_setting(tmp_path: Path) -> None:
    for seed, words in ((1, 321), (2, 335)):
        encoder = {"_target_": "ecgmm.models.text_encoders.transformer.Transformer", "vocabulary_size": words, "dim": 8}
        given = {"from_data": {"vocabulary_size": words}, "method": {"text_encoder": encoder}}
        changed(write_run(tmp_path / f"{seed}", "text_only", seed), given)
    assert labels_of(tmp_path) == {"text_only"}
    changed(tmp_path / "2", {"method": {"text_encoder": {"dim": 16}}})
    assert len(labels_of(tmp_path)) == 2


def test_published_rates_of_each_method_are_no_difference_under_native(tmp_path: Path) -> None:
    for method, lr in (("ecg_clip", 1e-4), ("concat", 1e-3)):
        changed(write_run(tmp_path / method, method, 1, recipe="native"), {"optimizer": {"lr": lr}})
    assert labels_of(tmp_path) == {"ecg_clip", "concat"}
    changed(write_run(tmp_path / "other", "concat", 2, recipe="native"), {"optimizer": {"lr": 2.0}})
    changed(write_run(tmp_path / "third", "concat", 3, recipe="native"), {"optimizer": {"lr": 1e-3}})
    assert "concat, optimizer.lr=2.0" in labels_of(tmp_path)


def test_an_ablation_says_its_name_and_not_what_it_sets(tmp_path: Path) -> None:
    changed(write_run(tmp_path / "a", "gated_fusion", 1), {"method": {"lambda_cons": 0.1}})
    changed(write_run(tmp_path / "b", "gated_fusion", 1, ablation="no_consistency"), {"method": {"lambda_cons": 0}})
    assert labels_of(tmp_path) == {"gated_fusion", "gated_fusion, no_consistency"}


def test_the_axis_of_a_study_is_no_difference(tmp_path: Path) -> None:
    for weight in (0.1, 1.0):
        changed(write_run(tmp_path / str(weight), "gated_fusion", 1), {"method": {"lambda_cons": weight}})
    assert labels_of(tmp_path, "method.lambda_cons") == {"gated_fusion"}
    both = {"gated_fusion, method.lambda_cons=0.1", "gated_fusion, method.lambda_cons=1.0"}
    assert labels_of(tmp_path) == both  # neither is the usual one


def test_what_an_older_run_does_not_say_is_not_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "new", "concat", 1)
    folder = write_run(tmp_path / "old", "concat", 2)
    config: Any = OmegaConf.load(folder / "config.yaml")
    del config["optimizer"], config["batch_size"]
    OmegaConf.save(config, folder / "config.yaml")
    assert labels_of(tmp_path) == {"concat"}


def test_a_row_whose_report_was_withheld_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for method in ("gated_fusion", "concat"):
        write_run(tmp_path / method, method, 1)
    write_run(tmp_path / "withheld", "concat", 1, text_at_test="none", inputs_at_test=["ecg"])
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    line = csv_lines(tmp_path)["concat, report withheld at test"]
    assert line["inputs_at_test"] == "ECG"
    assert "learnt with reports, predicts without" in markdown(tmp_path)


def test_runs_of_before_the_switch_are_read_as_they_were(tmp_path: Path) -> None:
    assert Run.open(write_run(tmp_path / "a", "concat", 1)).facts.text_at_test == "report"


def test_what_a_search_chose_is_no_difference_and_all_else_is(tmp_path: Path) -> None:
    for method, lr, epochs in (("ecg_clip", 1e-4, 12), ("concat", 1e-3, 24), ("ecg_only", 1e-3, 24)):
        chosen = {"optimizer": {"lr": lr}, "trainer": {"max_epochs": epochs}, "batch_size": 64}
        changed(write_run(tmp_path / method, method, 1, recipe="tuned"), chosen)
    assert labels_of(tmp_path) == {"ecg_clip", "concat", "ecg_only"}
    changed(tmp_path / "ecg_only", {"batch_size": 32})
    assert labels_of(tmp_path) == {"ecg_clip", "concat", "ecg_only, batch_size=32"}
