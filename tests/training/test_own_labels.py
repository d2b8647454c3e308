"""The user's own labels from a CSV: audited, masked, trained, tabled, and predicted with when their files are gone."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import ecgmm
from ecgmm.reporting.table2 import main as draw_table2

pytestmark = pytest.mark.slow

Command = Callable[..., int]
WORDS = """class;description;mask
AF;atrial fibrillation;fibrillation|irregular*
block;conduction disturbance;*block|*fascicular|conduction
infarct;myocardial infarction;*infarct*|q waves
"""
REPORT = "Atrial fibrillation. Old inferior infarct. Nonspecific T wave changes."


@pytest.fixture
def labels(tmp_path: Path, workspace: Path, tiny_store: Path) -> Path:
    """Three classes of the tiny synthetic tree, as a spreadsheet saves them; one record has no row, one no label."""
    assert tiny_store.exists()
    [truth] = (workspace / "raw").glob("*/truth.csv")
    table = pl.read_csv(truth).select(
        pl.col("study_id").cast(pl.String) + ".0",
        AF=(pl.col("rhythm") == "atrial_fibrillation").cast(pl.Int8),
        block="CD",
        infarct="MI",
    )
    text = table[1:].write_csv(separator=";", line_terminator="\r\n")
    (tmp_path / "labels.csv").write_bytes(f"\ufeff{text}12345678;1;0;0\r\n".encode())
    (tmp_path / "words.csv").write_text(WORDS)
    return tmp_path


@pytest.fixture
def chosen(labels: Path, quick_settings: list[str]) -> list[str]:
    own = [
        "labels=table",
        f"data.labels_csv={labels}/labels.csv",
        f"labels.descriptions={labels}/words.csv",
        "labels.min_records=1",
    ]
    return [*quick_settings, "trainer.max_epochs=1", *own]


def test_three_classes_are_audited_masked_trained_tabled_and_predicted_with(
    command: Command, chosen: list[str], labels: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = labels / "outputs" / "own"
    data = [text for text in chosen if text.startswith(("data.", "labels", "paths."))]
    audit = [
        *data,
        "data.rate_hz=100",
        "task=multilabel",
        "evaluation.n_resamples=20",
        f"paths.outputs={labels}/audits",
    ]
    assert command("audit", *audit) == 0
    [file] = (labels / "audits").rglob("audit.json")
    audited = json.loads(file.read_text())
    assert audited["labels"]["source"] == "unknown"
    assert audited["labels"]["notes"]["rows whose record is not in the store"] == 1
    assert audited["labels"]["notes"]["records without a row"] == 1
    verdicts = {verdict["about"]: verdict for verdict in audited["verdicts"]}
    assert verdicts["text.policy=full"]["level"] == "LEAK"
    assert "labels.source" in verdicts["text.policy=full"]["action"]
    area = {one["text_policy"]: one["auroc_macro"]["value"] for one in audited["probes"] if "words" in one["input"]}
    assert area["masked"] < area["full"] - 0.05, "masking hides what the words of the mask say"

    capsys.readouterr()
    assert command("train", *chosen, "task=multilabel", f"hydra.run.dir={labels}/refused") == 2
    assert "labels.source=annotation" in capsys.readouterr().err

    for method in ("gated_fusion", "ecg_clip", "bag_of_statements"):
        given = ("task=multilabel", "text.policy=masked", f"method={method}", f"hydra.run.dir={sweep}/{method}")
        assert command("train", *chosen, *given) == 0
    facts = json.loads((sweep / "ecg_clip" / "run.json").read_text())
    assert facts["labels"]["classes"] == ["AF", "block", "infarct"]
    model = json.loads((sweep / "ecg_clip" / "model" / "model.json").read_text())
    assert model["descriptions"]["AF"] == ["atrial fibrillation"]
    assert "irregular*" in model["masked_phrases"]
    capsys.readouterr()
    draw_table2([str(sweep)])
    printed = capsys.readouterr().out
    assert "3 classes: AF, block, infarct" in printed.replace("and ", "")
    assert "ecg_clip" in printed

    for name in ("labels.csv", "words.csv"):
        (labels / name).unlink()
    run = ecgmm.load_run(sweep / "gated_fusion")
    found = run.predict(report=REPORT)
    assert set(found.numbers) >= {"AF", "block", "infarct"}
    assert "2 of 3 statements are hidden by text.policy=masked" in found.notes
    assert set(ecgmm.load_run(sweep / "ecg_clip").model.facts.class_names) == {"AF", "block", "infarct"}
    assert command("evaluate", f"run={sweep}/gated_fusion", f"paths.stores={workspace}/stores") == 0
    [evaluated] = (sweep / "gated_fusion" / "evaluation").glob("*.json")
    trained = json.loads((sweep / "gated_fusion" / "metrics.json").read_text())
    assert json.loads(evaluated.read_text())["test/auroc_macro"] == trained["test/auroc_macro"]


@pytest.mark.parametrize("task", ["single_label", "multilabel"])
def test_a_binary_question_has_every_metric_and_changed_labels_are_another_run(
    command: Command, chosen: list[str], labels: Path, capsys: pytest.CaptureFixture[str], task: str
) -> None:
    sweep = labels / "outputs" / "binary"
    own = ["labels.keep=[infarct]", "labels.source=annotation", f"task={task}"]
    for method in ("ecg_clip", "gated_fusion"):
        assert command("train", *chosen, *own, f"method={method}", f"hydra.run.dir={sweep}/{method}") == 0
    metrics = json.loads((sweep / "gated_fusion" / "metrics.json").read_text())
    assert metrics["classes"] == (["infarct"] if task == "multilabel" else ["not_infarct", "infarct"])
    for name in ("auroc_macro", "auprc_macro", "accuracy", "f1_macro", "precision_macro", "recall_macro", "mcc", "ece"):
        assert metrics[f"test/{name}"]["value"] is not None, name
        assert metrics[f"test/{name}"]["low"] is not None, name
    assert metrics["test/auroc_macro"] == metrics["test/auroc/infarct"]
    draw_table2([str(sweep)])
    assert "infarct" in capsys.readouterr().out

    table = labels / "labels.csv"
    table.write_bytes(table.read_bytes().replace(b";0;0;0", b";0;0;1", 2))
    assert command("train", *chosen, *own, "method=gated_fusion", f"hydra.run.dir={sweep}/gated_fusion") == 2
    assert "overwrite=true" in capsys.readouterr().err
