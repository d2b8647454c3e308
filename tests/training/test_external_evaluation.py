"""A finished run on another store: the whole set, its classes, its labels, patients of the run, and what is refused."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ecgmm
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.runs.metrics import read_evaluations
from ecgmm.runs.run import Run
from ecgmm.training import evaluation as evaluating
from ecgmm.training.predictions import predict_frame
from tests.data.trees import edit_manifest

Command = Callable[..., int]
ELSEWHERE = {"source": {"name": "elsewhere", "sha256": {}}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_store: Path) -> Path:
    """A run of the waveform, small and hardly trained, beside the folder of its store."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    store = ecgmm.open_store(tiny_store)
    settings: dict[str, object] = {
        "recipe": "quick",
        "task": "multilabel",
        "trainer__accelerator": "cpu",
        "trainer__max_epochs": 1,
        "page": False,
        "trainer__enable_progress_bar": False,
        "ecg_encoder__channels": [4],
        "ecg_encoder__dim": 8,
        "evaluation__n_resamples": 5,
    }
    ecgmm.train(store, "ecg_only", folder, **settings)
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def other(tiny_store: Path, tmp_path: Path) -> Path:
    """The same recordings under the name of another source and at another scale: nothing can be compared."""
    path = shutil.copytree(tiny_store, tmp_path / "other")
    edit_manifest(path, **ELSEWHERE, uv_per_step=2.5)
    return path


def evaluation(run: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "evaluation" / f"{name}.json").read_text())
    return content


@pytest.mark.slow
def test_a_whole_other_set_is_predicted_and_kept(
    run: Path, other: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", str(run), f"store={other}", "split=all", "recalibrate=0.3") == 0
    said = capsys.readouterr().out
    metrics, file = evaluation(run, "other-all"), run / "evaluation" / "other-all.parquet"
    assert metrics["n_records"] == Store.open(other).records["record"].n_unique()
    assert metrics["external"]["patients"]["ids_compared"] is False
    assert "patients of the run's training may be among these" in said
    assert metrics["temperature"] == json.loads((run / "metrics.json").read_text())["temperature"]
    assert metrics["recalibration"]["before"]["n_records"] < metrics["n_records"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    frame = pl.read_parquet(file, glob=False)
    assert set(frame["split"]) == {"train", "val", "test"}
    assert set(frame.columns) == set(pl.read_parquet(run / "predictions.parquet", glob=False).columns)
    [read] = read_evaluations(run)
    assert read.external is not None
    assert read.external.split == "all"


def test_planted_patients_are_refused_or_left_out(
    run: Path, tiny_store: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another source that holds the recordings of training: its ids say nothing, its samples do."""
    other = shutil.copytree(tiny_store, tmp_path / "collection")
    edit_manifest(other, **ELSEWHERE)
    evaluate = ("evaluate", f"run={run}", f"store={other}", "split=all", f"paths.stores={tiny_store.parent}")
    assert command(*evaluate) == 2
    assert "patients" in (sentence := capsys.readouterr().err)
    assert "shared_patients=drop" in sentence
    assert not (run / "evaluation").exists()
    assert command(*evaluate, "shared_patients=drop") == 0
    found = evaluation(run, "collection-all")
    frame = pl.read_parquet(run / "evaluation" / "collection-all.parquet", glob=False)
    assert set(frame["split"]) == {"test"}, "only test patients are left"
    assert found["external"]["patients"]["dropped_patients"] > 40
    at_home = Run.open(run).metrics
    assert found["all/auroc_macro"]["value"] == pytest.approx(at_home["test/auroc_macro"].value, abs=1e-3)


@pytest.mark.slow
def test_the_own_store_as_a_whole_holds_training_patients(
    run: Path, tiny_store: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", f"run={run}", f"paths.stores={tiny_store.parent}", "split=all") == 2
    assert "take split=test" in capsys.readouterr().err


@pytest.mark.slow
def test_labels_of_another_name_and_classes_that_are_matched(run: Path, other: Path) -> None:
    model = ecgmm.load_run(run)
    with pytest.raises(ConfigError, match="0 classes in common"):
        model.evaluate(other, split="all", labels="rhythm")
    found = model.evaluate(other, split="all", labels="rhythm", classes__map={"SR": "NORM", "AFIB": "CD", "AFLT": "CD"})
    assert found.classes == ["NORM", "CD"]
    assert found.external is not None
    assert found.external.only_model == ["MI", "STTC", "HYP"]
    assert "PACE" in found.external.only_store
    assert found.external.labels.name == "rhythm"
    assert found.external.labels.dropped["no class that the model knows too"] > 0
    assert (run / "evaluation" / "other-all-rhythm.parquet").exists()
    with pytest.raises(ConfigError, match="task is single_label and the run was trained for multi_label"):
        model.evaluate(other, task="single_label")


@pytest.mark.slow
def test_a_store_is_named_by_settings_and_never_prepared(
    run: Path,
    workspace: Path,
    tmp_path: Path,
    command: Command,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rate and window are the model's: nobody has to repeat them."""
    same = ["data=synthetic", "data.n_patients=90", f"paths.raw={workspace}/raw", f"paths.stores={workspace}/stores"]
    assert command("evaluate", f"run={run}", *same) == 0
    [file] = (run / "evaluation").glob("*-test.json")
    assert json.loads(file.read_text())["test/ece"] == json.loads((run / "metrics.json").read_text())["test/ece"]
    capsys.readouterr()
    assert command("evaluate", f"run={run}", "data=ptb_xl", f"data.root={tmp_path}", f"paths.stores={tmp_path}/s") == 2
    sentence = capsys.readouterr().err
    assert "evaluation prepares no store" in sentence
    command_line = sentence.partition("python -m ecgmm.prepare data=ptb_xl ")[2]
    assert "data.rate_hz=100" in command_line
    assert f"data.root={tmp_path}" in command_line
    assert not (tmp_path / "s").exists()
    assert command("evaluate", f"run={run}", "store=a", "data=ptb_xl") == 2
    assert "both store and data" in capsys.readouterr().err


@pytest.mark.slow
def test_another_rate_is_refused_with_the_command_that_prepares_it(
    run: Path, other: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_manifest(other, source={"name": "synthetic", "sha256": {}}, rate_hz=250)
    assert command("evaluate", f"run={run}", f"store={other}") == 2
    sentence = capsys.readouterr().err
    assert "python -m ecgmm.prepare data=synthetic" in sentence
    assert "data.rate_hz=100" in sentence
    assert "data.n_patients=90" in sentence


@pytest.mark.slow
def test_other_labels_of_the_own_store_are_refused(
    run: Path, tiny_store: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = json.loads((run / "run.json").read_text())
    facts["labels"]["digest"] = "0" * 12
    (run / "run.json").write_text(json.dumps(facts))
    assert command("evaluate", f"run={run}", f"paths.stores={tiny_store.parent}") == 2
    assert "made by other rules or settings" in capsys.readouterr().err


@pytest.mark.slow
def test_probabilities_of_one_class_a_record_sum_to_one_over_the_common_classes(
    command: Command, quick_settings: list[str], other: Path, tmp_path: Path
) -> None:
    """Shares of the classes in training, known from the store: NORM and CD alone are n / (n + m) and m / (n + m)."""
    run = tmp_path / "majority"
    assert command("train", *quick_settings, "method=majority", f"hydra.run.dir={run}") == 0
    predicted = pl.read_parquet(run / "predictions.parquet", glob=False).row(0, named=True)
    norm, cd = predicted["probability.NORM"], predicted["probability.CD"]
    ecgmm.load_run(run).evaluate(
        other, split="all", labels="rhythm", task="single_label", classes__map={"SR": "NORM", "AFIB": "CD"}
    )
    frame = pl.read_parquet(run / "evaluation" / "other-all-rhythm.parquet", glob=False)
    assert frame["probability.NORM"].to_list() == pytest.approx([norm / (norm + cd)] * frame.height, rel=1e-5)
    assert set(frame["label"]) == {0, 1}


@pytest.mark.slow
def test_a_method_of_text_alone_needs_a_report(
    command: Command,
    quick_settings: list[str],
    other: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "bag"
    bag = ("method=bag_of_statements", "trainer.max_epochs=1", f"hydra.run.dir={run}")
    assert command("train", *quick_settings, *bag) == 0
    without = pl.lit(value=False).alias("has_report")
    monkeypatch.setattr(evaluating, "predict_frame", lambda *given: predict_frame(*given).with_columns(without))
    assert command("evaluate", f"run={run}", f"store={other}", "split=all") == 2
    assert "predicts from the report alone" in capsys.readouterr().err


@pytest.mark.slow
def test_the_other_set_brings_labels_of_its_own(
    run: Path, other: Path, command: Command, quick_settings: list[str], tmp_path: Path
) -> None:
    store = Store.open(other)
    labels = open_labels(store, "superclass")
    present = {name: labels.present[:, k].astype(int) for k, name in enumerate(labels.label_set.classes)}
    table = pl.DataFrame({"record": store.records["record"], "heart attack": present["MI"], "NORM": present["NORM"]})
    table.unique("record").write_csv(tmp_path / "theirs.csv")
    data = [text for text in quick_settings if text.startswith(("data.", "paths."))]
    theirs = ["labels=table", f"data.labels_csv={tmp_path}/theirs.csv", "labels.source=annotation"]
    settings = [*data, f"data.store={other}", "data=synthetic", *theirs, "classes.map={heart attack: MI}", "split=all"]
    assert command("evaluate", f"run={run}", *settings) == 0
    metrics = evaluation(run, "other-all-table")
    assert sorted(metrics["classes"]) == ["MI", "NORM"]
    assert metrics["external"]["only_model"] == ["STTC", "CD", "HYP"]
    assert metrics["origins"]["label_source"] == "annotation"
    positive = {row["class"]: row["n"] for row in metrics["per_class"]}
    assert positive == {name: int(present[name].sum()) for name in ("MI", "NORM")}
