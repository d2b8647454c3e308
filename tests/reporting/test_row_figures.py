"""Figures that show every row of a table in a panel of its own, and its forest plot."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ecgmm.errors import UserError
from ecgmm.plots.look import look
from ecgmm.reporting import confusion, forest, participants, per_class, roc, training_curves
from ecgmm.runs.run import Run, find_runs
from tests.reporting.simulated_runs import CLASSES, write_run, write_study_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two methods of two seeds, one with a history, and one method that measures a leak."""
    root = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        write_run(root / f"ecg_only,{seed}", "ecg_only", seed)
        write_study_run(root / f"gated_fusion,{seed}", "gated_fusion", seed, name="table2")
    write_run(root / "text_only", "text_only", 1, leaky=True)
    return find_runs([root])[0]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def points(line: Line2D) -> NDArray[np.floating]:
    return np.asarray(line.get_xydata(), dtype=float)


def test_each_row_has_its_curves_of_all_classes_and_seeds(runs: list[Run]) -> None:
    with look():
        drawing = roc.build(runs)
    assert titles(drawing.figure) == ["gated_fusion", "ecg_only", "text_only†"]
    upper = [axes for axes in drawing.figure.axes if axes.get_title(loc="left")]
    assert [len(axes.lines) - 1 for axes in upper] == [2 * len(CLASSES), 2 * len(CLASSES), len(CLASSES)]
    (gated,) = (run for run in runs if run.method == "gated_fusion" and run.seed == 1)
    assert all(points(line)[-1, 1] == 1 for axes in upper for line in axes.lines)
    assert f"recipe {gated.facts.recipe}" in drawing.caption


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_shares_of_the_confusion_add_up_for_each_truth(tmp_path: Path, task: str) -> None:
    for seed in (1, 2):
        write_run(tmp_path / f"{seed}", "ecg_only", seed, task=task)
    with look():
        (axes,) = confusion.build(find_runs([tmp_path])[0]).figure.axes
    share = axes.images[0].get_array()
    assert share is not None
    if task == "single_label":
        assert share.sum(axis=1).tolist() == pytest.approx([1] * len(CLASSES))
    else:
        assert share[:, :2].sum(axis=1).tolist() == pytest.approx([1] * len(CLASSES))
        assert share[:, 2:].sum(axis=1).tolist() == pytest.approx([1] * len(CLASSES))


def test_each_class_has_a_panel_with_an_interval_for_each_row(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(per_class, "_N_RESAMPLES", 20)
    with look():
        drawing = per_class.build(runs)
    assert [title.split(" (")[0] for title in titles(drawing.figure)] == CLASSES
    for axes in drawing.figure.axes:
        spans = [points(line)[:, 0] for line in axes.lines if len(points(line)) == 2]
        assert len(spans) == 4  # three rows, and chance
        assert all(low <= high for low, high in spans)


def test_training_is_drawn_for_rows_that_have_epochs(runs: list[Run], tmp_path: Path) -> None:
    with look():
        drawing = training_curves.build(runs)
    assert titles(drawing.figure) == ["gated_fusion"]
    assert drawing.found.startswith("Best validation AUROC after epoch 3 in the median of 2 runs")
    write_run(tmp_path / "a", "majority", 1)
    with pytest.raises(UserError, match=r"none of the runs has a history\.csv"):
        training_curves.build(find_runs([tmp_path])[0])


def test_the_forest_has_a_line_a_row_and_marks_what_is_worse_and_what_leaks(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forest, "RESAMPLES", 200)
    with look():
        drawing = forest.build(runs)
    scores, _, gaps, _ = drawing.figure.axes
    names = [label.get_text() for label in scores.get_yticklabels()]
    assert sorted(names) == ["ecg_only", "gated_fusion", "text_only†"]
    colors = {name: scores.lines[2 * line].get_color() for line, name in enumerate(names)}
    expected = {"ecg_only": forest._WORSE, "gated_fusion": forest._SAME, "text_only†": forest._LEAKY}
    assert colors == expected
    assert len(gaps.lines) == 2 * len(names) + 1
    assert "grey and †: measures a leak" in drawing.caption


def test_the_flow_of_most_runs_is_drawn_and_others_are_counted(tmp_path: Path) -> None:
    def data(n: int) -> dict[str, Any]:
        split = {"rows": n, "left_out": {"several classes": 3}, "used": n, "records": n, "patients": n, "sex": {}}
        split |= {"with_report": n, "with_waveform": n, "age_years": None, "without_age": n}
        splits = [{"split": name, **split} for name in ("train", "test")]
        counted = {"listed": 900, "dropped": {"no waveform": 7}, "kept": 893, "splits": splits}
        shown = [{"split": "test", "records": 400, "patients": 200}]
        print_ = "ab12cd34ef56" + "0" * 52
        return {"name": "synthetic", "fingerprint": print_, "synthetic": True, "splits": shown, "participants": counted}

    for seed, n in enumerate((400, 400, 300)):
        write_run(tmp_path / f"{seed}", "ecg_only", seed, data=data(n))
    with look():
        drawing = participants.build(find_runs([tmp_path])[0])
    written = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert {"900 records listed", "7: no waveform", "893 records in the store", "Test: 400 rows"} <= set(written)
    assert "1 of the 3 runs used others" in drawing.caption
    assert drawing.found.startswith("Of 900 records listed, 893 are in the store; records used: train 400 of 400")
    write_run(tmp_path / "old" / "a", "ecg_only", 1)
    with pytest.raises(UserError, match="before participants were counted"):
        participants.build(find_runs([tmp_path / "old"])[0])
