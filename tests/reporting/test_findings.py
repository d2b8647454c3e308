"""Sentences of a page, from numbers that can be counted by hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecgmm.evaluation.bootstrap import Estimate
from ecgmm.evaluation.comparison import Difference
from ecgmm.reporting import findings


def measured(value: float, gap: float | None = None, p: float = 1.0, leaky: bool = False) -> Any:
    compared = None if gap is None else {"auroc_macro": SimpleNamespace(difference=Difference(gap, 0, 0, p), p_holm=p)}
    facts = SimpleNamespace(leaky=leaky)
    return SimpleNamespace(
        values={"auroc_macro": Estimate(value, value - 0.1, value + 0.1)}, compared=compared, facts=facts
    )


def table(**rows: Any) -> Any:
    return SimpleNamespace(
        rows=[SimpleNamespace(key=SimpleNamespace(label=name), measured=one) for name, one in rows.items()],
        reference="gated_fusion",
    )


def test_a_table_names_its_best_honest_row_and_what_differs_from_gated_fusion() -> None:
    found = findings.of_table(
        table(
            gated_fusion=measured(0.8),
            concat=measured(0.7, 0.1, 0.01),
            better=measured(0.85, -0.05, 0.04),
            same=measured(0.79, 0.01, 0.5),
            leak=measured(0.99, -0.19, 0.001, leaky=True),
            not_run=None,
        )
    )
    assert found == (
        "Highest macro AUROC of 4 rows: better 0.850 (95 % 0.750 to 0.950). Against gated_fusion, after Holm's"
        " correction: 1 significantly below it (concat); 1 significantly above it (better); 1 cannot be told from it."
    )
    assert findings.of_table(table(leak=measured(0.9, leaky=True))) == "Every row measures a leak."
    assert findings.of_table(table(a=measured(0.5))) == "Macro AUROC: a 0.500 (95 % 0.400 to 0.600)."


def run(counts: Any, classes: list[str], **metrics: Any) -> Any:
    return SimpleNamespace(classes=classes, metrics=SimpleNamespace(confusion_matrix=counts, **metrics))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([[8, 2, 0], [1, 19, 0], [5, 0, 0]], "Commonest error by a: 20% of A are taken for B."),
        ([[9, 0, 0], [0, 20, 0], [5, 0, 0]], "No class of at least 10 test records is taken for another by a."),
        ([[[9, 1], [5, 5]], [[5, 5], [1, 9]], [[9, 0], [9, 0]]], "Missed most often by a: A, 50% of its records."),
        (
            [[[9, 1], [0, 10]], [[5, 5], [0, 9]], [[9, 0], [9, 0]]],
            "No class of at least 10 test records is missed by a.",
        ),
    ],
)
def test_the_largest_error_is_that_of_a_class_with_enough_records(counts: Any, sentence: str) -> None:
    other = run([[1] * 3] * 3, ["A", "B", "C"])
    assert findings.of_confusion({"a": [run(counts, ["A", "B", "C"])], "b": [other]}) == sentence


def test_classes_are_compared_by_their_means_over_rows() -> None:
    def of(**areas: float | None) -> Any:
        return SimpleNamespace(
            metrics=SimpleNamespace(per_class=[SimpleNamespace(name=name, auroc=area) for name, area in areas.items()])
        )

    rows = {"a": [of(MI=0.9, CD=0.5, HYP=None)], "b": [of(MI=0.7, CD=0.9, HYP=None)]}
    assert findings.of_classes(rows) == (
        "Told best from the rest on average over rows: MI (AUROC 0.800); worst: CD (0.700)."
    )
    assert findings.of_classes({"a": [of(MI=None)]}) == ""


def test_a_study_names_the_settings_with_the_highest_and_lowest_mean() -> None:
    found = findings.of_study({0: [0.7, 0.8], 0.1: [0.9, 0.8], 1: [0.6, 0.6]}, "λ =")
    assert found == "Highest macro AUROC at λ = 0.1 (0.850), lowest at 1 (0.600)."


def test_training_that_was_still_improving_is_named(tmp_path: Path) -> None:
    import polars as pl

    def of(*scores: float) -> Any:
        (tmp_path / "history.csv").touch()
        return SimpleNamespace(directory=tmp_path, history=pl.DataFrame({"val/auroc_macro": scores}))

    assert findings.of_training({"a": [of(0.5, 0.7, 0.6)]}) == "Best validation AUROC after epoch 2 of 3."
    late = {"a": [of(0.5, 0.7, 0.6)], "b": [of(0.5, 0.6, 0.7)]}
    assert findings.of_training(late) == (
        "Best validation AUROC after epoch 2.5 in the median of 2 runs; still improving in the last one, so that they"
        " may not have converged: b."
    )
    assert findings.of_training({"a": [of(float("nan"))]}) == ""
