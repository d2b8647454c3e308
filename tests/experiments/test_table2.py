"""Table 2 from simulated run directories."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.evaluation.bootstrap import paired_difference
from ecgmm.evaluation.metrics import TABLE2_METRICS, mean_scorer
from ecgmm.evaluation.results import evaluate_predictions
from ecgmm.evaluation.thresholds import choose_thresholds
from experiments.runs import find_runs
from experiments.table2 import main

CLASSES = ["NORM", "MI", "STTC", "CD", "HYP"]
SKILL = {"majority": 0.0, "ecg_only": 1.2, "text_only": 1.4, "concat": 1.8, "gated_fusion": 2.4}
N_TEST = 400


def write_run(folder: Path, method: str, seed: int, task: str = "single_label", **changed: Any) -> Path:
    """A finished run; all runs have the same records and labels, predictions depend on method and seed."""
    truth = np.random.default_rng(7)
    n = N_TEST + 100
    label = truth.choice(len(CLASSES), p=[0.4, 0.2, 0.2, 0.15, 0.05], size=n)
    noise = np.random.default_rng([seed, *method.encode()]).normal(size=(n, len(CLASSES)))
    score = SKILL[method] * np.eye(len(CLASSES))[label] + noise * (SKILL[method] > 0)
    multi = task == "multi_label"
    probability = 1 / (1 + np.exp(-score)) if multi else np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    one_hot = np.eye(len(CLASSES))[label]
    frame = pl.DataFrame(
        {
            "row": np.arange(n) + 1000,
            "record": np.arange(n) + 40_000_000,
            "patient": np.arange(n) // 2,
            "window": np.zeros(n, np.int32),
            "split": ["test"] * N_TEST + ["val"] * 100,
            **({f"label.{name}": one_hot[:, k] for k, name in enumerate(CLASSES)} if multi else {"label": label}),
            **{f"probability.{name}": probability[:, k].astype(np.float32) for k, name in enumerate(CLASSES)},
            "gate": pl.Series([None] * n, dtype=pl.Float32),
            "has_report": [True] * n,
        }
    )
    facts: dict[str, Any] = {
        "schema_version": 1,
        "finished": True,
        "method": method,
        "inputs_at_test": {"ecg_only": ["ecg"], "text_only": ["text"], "majority": []}.get(method, ["ecg", "text"]),
        "fidelity": "paper" if method == "gated_fusion" else "control",
        "reference": "the paper, section 3 & equations 1_6" if method == "gated_fusion" else "control",
        "recipe": "quick",
        "seed": seed,
        "task": task,
        "train_fraction": 1.0,
        "data": {"name": "synthetic", "fingerprint": "ab12cd34ef56" + "0" * 52, "synthetic": True},
        "labels": {"name": "superclass", "source": "simulation", "classes": CLASSES},
        "text_policy": "full",
        "leaky": False,
        "commit": "0123456789ab",
    } | changed
    test = slice(0, N_TEST)
    thresholds = choose_thresholds(one_hot[N_TEST:], probability[N_TEST:]) if multi else None
    metrics = evaluate_predictions(
        (one_hot if multi else label)[test],
        probability[test].astype(np.float32),
        np.arange(N_TEST) // 2,
        CLASSES,
        "multi_label" if multi else "single_label",
        thresholds,
        n_resamples=2,
    )
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    frame.write_parquet(folder / "predictions.parquet")
    return folder


def write_table(root: Path, methods: tuple[str, ...] = tuple(SKILL), seeds: tuple[int, ...] = (42, 43)) -> None:
    for method in methods:
        for seed in seeds:
            write_run(root / f"method={method},seed={seed}", method, seed)


def csv_lines(folder: Path) -> dict[str, dict[str, str]]:
    return {line["row"]: line for line in csv.DictReader(io.StringIO((folder / "table2.csv").read_text()))}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("table2")
    write_table(root)
    assert main([str(root), "--resamples", "200"]) == 0
    return root


def test_values_are_means_over_seeds_of_what_the_runs_measured(drawn: Path) -> None:
    line = csv_lines(drawn)["ecg_only"]
    for key in TABLE2_METRICS:
        of_seeds = [
            json.loads((drawn / f"method=ecg_only,seed={seed}" / "metrics.json").read_text())[f"test/{key}"]["value"]
            for seed in (42, 43)
        ]
        assert float(line[key]) == pytest.approx(np.mean(of_seeds))
        assert float(line[f"{key}_sd"]) == pytest.approx(np.std(of_seeds, ddof=1))
        assert float(line[f"{key}_low"]) < float(line[key]) < float(line[f"{key}_high"])


def test_difference_is_the_paired_bootstrap_of_seed_averaged_metrics(drawn: Path) -> None:
    runs, _ = find_runs([drawn])
    ours, theirs = (
        mean_scorer([run.scorer() for run in runs if run.method == method]) for method in ("gated_fusion", "concat")
    )
    expected = paired_difference(ours, theirs, runs[0].patients, 200, 0)["auroc_macro"]
    line = csv_lines(drawn)["concat"]
    for name in ("value", "low", "high", "p_value"):
        assert float(line[f"auroc_macro_difference_{name}"]) == pytest.approx(getattr(expected, name))
    assert csv_lines(drawn)["gated_fusion"]["auroc_macro_difference_value"] == ""


def test_the_paper_s_rows_stand_beside_ours_exactly_as_printed(drawn: Path) -> None:
    """Table 2 of the paper, digit for digit."""
    printed = {
        "Zhou et al. [8]": "0.87 0.84 0.81 0.80 0.79 0.82 0.83 0.62",
        "Guo et al. [9]": "0.88 0.85 0.82 0.81 0.80 0.83 0.84 0.63",
        "Li et al. [10]": "0.89 0.86 0.83 0.82 0.81 0.84 0.85 0.65",
        "Liu et al. [11]": "0.90 0.87 0.84 0.83 0.82 0.85 0.86 0.66",
        "Wan et al. [12]": "0.91 0.88 0.85 0.84 0.83 0.86 0.87 0.67",
        "Tian et al. [13]": "0.92 0.89 0.86 0.85 0.84 0.87 0.88 0.68",
        "Wang et al. [14]": "0.93 0.90 0.87 0.86 0.85 0.88 0.89 0.70",
        "Ours": "0.96 0.94 0.91 0.90 0.89 0.92 0.93 0.76",
    }
    lines = (drawn / "table2.md").read_text().splitlines()
    for name, numbers in printed.items():
        (line,) = [line for line in lines if line.startswith(f"| paper: {name} ")]
        assert line.replace("|", " ").split()[-8:] == numbers.split()
    assert sum("not yet" in line for line in lines) == 7


def test_markdown_fits_a_terminal_and_says_what_it_was_measured_on(drawn: Path) -> None:
    text = (drawn / "table2.md").read_text()
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= 120
    for words in ("SYNTHETIC", "quick", "400 records of 200 patients", "simulation", "full", "42, 43", "0123456789ab"):
        assert words in text


def test_latex_is_balanced_and_escaped(drawn: Path) -> None:
    text = (drawn / "table2.tex").read_text()
    assert r"gated\_fusion" in text
    assert not re.search(r"(?<!\\)[_%#]", text)
    assert text.count("{") == text.count("}")
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows} == {11}


def test_leaky_runs_are_marked(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "text_only", 1, leaky=True)
    write_run(tmp_path / "b", "ecg_only", 1)
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    text = (tmp_path / "table2.md").read_text()
    assert "text_only†" in text
    assert "ecg_only†" not in text
    assert "measures the leak" in text
    assert csv_lines(tmp_path)["text_only"]["leaky"] == "true"


@pytest.fixture(scope="module")
def with_sanity_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sanity")
    write_table(root / "table2", seeds=(42,))
    for policy in ("masked", "shuffled"):
        write_run(root / "sanity" / policy, "text_only", 42, text_policy=policy, leaky=policy == "masked")
        write_run(root / "sanity" / f"ours {policy}", "gated_fusion", 42, text_policy=policy)
    assert main([str(root), "--resamples", "100"]) == 0
    return root


def test_text_policies_are_rows_of_their_own(with_sanity_rows: Path) -> None:
    lines = csv_lines(with_sanity_rows)
    assert lines["text_only"]["text_policy"] == "full"
    assert lines["text_only, shuffled"]["method"] == "text_only"
    assert lines["text_only, shuffled"]["text_policy"] == "shuffled"
    assert [name for name, line in lines.items() if line["leaky"] == "true"] == ["text_only, masked"]
    text = (with_sanity_rows / "table2.md").read_text()
    assert "text_only, masked†" in text
    assert "text policy: full; 'masked': without statements of a label; 'shuffled': report of another record" in text
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= 120


def test_differences_stay_against_gated_fusion_with_the_policy_of_most_methods(with_sanity_rows: Path) -> None:
    lines = csv_lines(with_sanity_rows)
    assert lines["gated_fusion"]["auroc_macro_difference_value"] == ""
    ours, row = lines["gated_fusion"], lines["gated_fusion, shuffled"]
    gap = float(ours["auroc_macro"]) - float(row["auroc_macro"])
    assert float(row["auroc_macro_difference_value"]) == pytest.approx(gap)


def test_where_all_runs_have_one_policy_rows_do_not_name_it(tmp_path: Path) -> None:
    for method in ("ecg_only", "text_only", "gated_fusion"):
        write_run(tmp_path / method, method, 1, text_policy="masked")
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert {"text_only", "gated_fusion"} <= set(csv_lines(tmp_path))
    assert "text policy: masked; commit" in (tmp_path / "table2.md").read_text()


def test_a_policy_is_no_difference_for_a_method_without_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "ecg_only", 1, text_policy="masked")
    assert main([str(tmp_path)]) == 2
    assert "are both ecg_only with seed 1" in capsys.readouterr().err


def test_multi_label_runs_bring_their_thresholds(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_only", 1, task="multi_label")
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    metrics = json.loads((tmp_path / "a" / "metrics.json").read_text())
    for key in TABLE2_METRICS:
        assert float(csv_lines(tmp_path)["ecg_only"][key]) == pytest.approx(metrics[f"test/{key}"]["value"])


def test_real_data_carries_no_synthetic_line(tmp_path: Path) -> None:
    write_run(tmp_path / "a", "ecg_only", 1, data={"name": "ptb_xl", "fingerprint": "f" * 64, "synthetic": False})
    assert main([str(tmp_path), "--resamples", "20"]) == 0
    assert "SYNTHETIC" not in (tmp_path / "table2.md").read_text() + (tmp_path / "table2.tex").read_text()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"recipe": "paper"}, "recipe"),
        ({"data": {"name": "synthetic", "fingerprint": "9" * 64, "synthetic": True}}, "fingerprint"),
        ({"train_fraction": 0.5}, "train_fraction"),
        ({"task": "multi_label"}, "task"),
    ],
)
def test_runs_that_do_not_belong_together_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, Any], word: str
) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "text_only", 1, **changed)
    assert main([str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert all(part in message for part in ("first", "second", word))
    assert message.count("\n") == 1
    assert not list(tmp_path.glob("table2.*"))


def test_the_same_method_and_seed_twice_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    write_run(tmp_path / "second", "ecg_only", 1)
    assert main([str(tmp_path)]) == 2
    assert "are both ecg_only with seed 1" in capsys.readouterr().err


def test_other_test_records_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "first", "ecg_only", 1)
    second = write_run(tmp_path / "second", "text_only", 1) / "predictions.parquet"
    pl.read_parquet(second)[1:].write_parquet(second)
    assert main([str(tmp_path)]) == 2
    assert "different records" in capsys.readouterr().err


def test_order_of_rows_in_a_file_changes_nothing(tmp_path: Path) -> None:
    write_table(tmp_path, methods=("ecg_only", "gated_fusion"), seeds=(1,))
    assert main([str(tmp_path), "--resamples", "50"]) == 0
    before = (tmp_path / "table2.md").read_text()
    path = tmp_path / "method=ecg_only,seed=1" / "predictions.parquet"
    pl.read_parquet(path).sample(fraction=1, shuffle=True, seed=3).write_parquet(path)
    assert main([str(tmp_path), "--resamples", "50"]) == 0
    assert (tmp_path / "table2.md").read_text() == before


def test_unfinished_runs_are_left_out_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "done", "ecg_only", 1)
    write_run(tmp_path / "begun", "text_only", 1, finished=False)
    (write_run(tmp_path / "torn", "concat", 1) / "predictions.parquet").unlink()
    assert main([str(tmp_path), "--resamples", "20", "--out", str(tmp_path / "report")]) == 0
    assert set(csv_lines(tmp_path / "report")) & set(SKILL) == {"ecg_only", "gated_fusion"}
    error = capsys.readouterr().err
    assert "begun" in error
    assert "torn" in error


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: None])
def test_a_folder_without_runs_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Any) -> None:
    make(tmp_path / "x")
    assert main([str(tmp_path / "x")]) == 2
    message = capsys.readouterr().err
    assert str(tmp_path / "x") in message
    assert message.count("\n") == 1


def test_broken_json_is_a_user_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write_run(tmp_path / "a", "ecg_only", 1) / "run.json").write_text("{")
    assert main([str(tmp_path)]) == 2
    assert "run.json" in capsys.readouterr().err
