"""The study of the training set's size, from run directories."""

from pathlib import Path

import pytest

from ecgmm.reporting.figure4 import build, main
from ecgmm.runs.run import find_runs
from tests.reporting.simulated_runs import write_study_run

METHODS = ("text_only", "ecg_only", "gated_fusion")


def write_study(root: Path, seeds: tuple[int, ...] = (1, 2)) -> None:
    for seed in seeds:
        for method in METHODS:
            for fraction in (0.01, 0.1, 1):
                write_study_run(root / f"{method},{fraction},{seed}", method, seed, fraction=fraction)


def test_one_line_a_method_ours_first_and_patients_above(tmp_path: Path) -> None:
    write_study(tmp_path)
    drawing = build(find_runs([tmp_path])[0])
    axes = drawing.figure.axes[0]
    assert axes.get_legend_handles_labels()[1] == ["gated_fusion", "ecg_only", "text_only"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "10", "100"]
    above = axes.child_axes[0]
    assert [text.get_text() for text in above.get_xticklabels()] == ["10", "100", "1,000"]
    for words in ("SYNTHETIC", "contained in every larger one", "fewer steps", "the same patients", "over 2 seeds"):
        assert words in drawing.caption


def test_leaky_lines_carry_the_mark(tmp_path: Path) -> None:
    for fraction in (0.1, 1):
        write_study_run(tmp_path / str(fraction), "gated_fusion", 1, fraction=fraction, leaky=True)
    drawing = build(find_runs([tmp_path])[0])
    assert drawing.figure.axes[0].get_legend_handles_labels()[1] == ["gated_fusion†"]


def test_drawn_twice_the_files_are_the_same(tmp_path: Path) -> None:
    write_study(tmp_path / "runs", seeds=(1,))
    for name in ("a", "b"):
        assert main([str(tmp_path / "runs"), "--out", str(tmp_path / name)]) == 0
    for name in ("figure4.pdf", "figure4.png", "figure4.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_another_data_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path, seeds=(1,))
    data = {"name": "synthetic", "fingerprint": "9" * 64, "synthetic": True, "splits": []}
    write_study_run(tmp_path / "other", "gated_fusion", 2, fraction=0.1, data=data)
    assert main([str(tmp_path)]) == 2
    assert "differ in data.fingerprint" in capsys.readouterr().err


def test_the_caption_says_that_each_seed_drew_its_patients(tmp_path: Path) -> None:
    for fraction in (0.1, 1):
        write_study_run(tmp_path / str(fraction), "gated_fusion", 1, fraction=fraction, fraction_seed=1)
    assert "in the patients of a part" in build(find_runs([tmp_path])[0]).caption
