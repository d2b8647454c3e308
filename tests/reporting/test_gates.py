"""The gate by class, signal quality and report, from run directories."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.reporting.gates import build, main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import N_TEST, write_run, write_study_run


def labels_of(root: Path) -> list[dict[str, int]]:
    """Names and numbers of records of the groups of each panel."""
    panels = build(find_runs([root])[0]).figure.axes
    texts = [[text.get_text().rsplit("\n", 1) for text in axes.get_yticklabels()] for axes in panels]
    return [{name.replace("\n", " "): int(n) for name, n in panel} for panel in texts]


def test_groups_count_each_record_once_whatever_the_number_of_seeds(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_study_run(tmp_path / str(seed), "gated_fusion", seed)
    write_run(tmp_path / "other", "ecg_only", 1)
    by_class, quality, report = labels_of(tmp_path)
    frame = find_runs([tmp_path / "1"])[0][0].test
    assert report == {"with report": frame["has_report"].sum(), "without": (~frame["has_report"]).sum()}
    assert sum(by_class.values()) == report["with report"]
    missing, flat = frame["missing_share"] > 0, frame["flat_leads"] > 0
    expected = [(frame["has_report"] & one).sum() for one in (~missing & ~flat, missing, flat)]
    assert list(quality.values()) == expected
    assert all(expected)


def test_caption_says_what_is_pooled_and_what_one_means(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_study_run(tmp_path / str(seed), "gated_fusion", seed)
    caption = build(find_runs([tmp_path])[0]).caption
    for words in ("2 seeds pooled", "without one α is 1 by construction", "SYNTHETIC"):
        assert words in caption


def test_a_fixed_mean_is_no_learned_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_study_run(tmp_path / "mean", "gated_fusion", 1) / "predictions.parquet"
    gate = pl.when("has_report").then(0.5).otherwise(1.0).cast(pl.Float32)
    pl.read_parquet(file).with_columns(gate=gate).write_parquet(file)
    assert main([str(tmp_path)]) == 2
    assert "none of the runs has a gate that it learned" in capsys.readouterr().err


def test_runs_from_before_signal_quality_was_saved_are_refused_with_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_study_run(tmp_path / "old", "gated_fusion", 1) / "predictions.parquet"
    pl.read_parquet(file).drop("missing_share", "flat_leads").write_parquet(file)
    assert main([str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "missing_share" in message
    assert "overwrite=true" in message


def test_of_a_study_the_method_as_it_is_is_shown(tmp_path: Path) -> None:
    alone = labels_of(write_study_run(tmp_path / "full", "gated_fusion", 1))
    write_study_run(tmp_path / "masked", "gated_fusion", 1, text_policy="masked", ablation="cosine")
    assert labels_of(tmp_path) == alone


def test_several_methods_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gated = write_study_run(tmp_path / "a", "gated_fusion", 1) / "predictions.parquet"
    other = write_study_run(tmp_path / "b", "concat", 1) / "predictions.parquet"
    pl.read_parquet(other).with_columns(pl.read_parquet(gated)["gate"]).write_parquet(other)
    assert main([str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "shows one of them" in capsys.readouterr().err


def test_multi_label_records_stand_in_each_of_their_classes(tmp_path: Path) -> None:
    file = write_study_run(tmp_path / "a", "gated_fusion", 1, task="multi_label") / "predictions.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(pl.Series("label.HYP", np.ones(len(frame))), has_report=pl.lit(True)).write_parquet(file)
    by_class = labels_of(tmp_path)[0]
    assert by_class["HYP"] == N_TEST
    assert sum(by_class.values()) > N_TEST


def test_drawn_twice_the_files_are_the_same(tmp_path: Path) -> None:
    write_study_run(tmp_path / "runs", "gated_fusion", 1)
    for name in ("a", "b"):
        assert main([str(tmp_path / "runs"), "--out", str(tmp_path / name)]) == 0
    for name in ("gates.pdf", "gates.png", "gates.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
