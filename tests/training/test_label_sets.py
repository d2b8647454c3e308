"""Every label set, and soft targets, from the command to a finished run on the tiny synthetic store."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from torch import nn

from ecgmm.training.task import DiagnosisTask
from ecgmm.types import Batch
from tests.data.sources.labels.test_ptb_xl_benchmark import SCP
from tests.data.trees import write_ptb_xl

Command = Callable[..., int]
CARDIAC = ["ACS", "AFIB", "ARRHYTHMIA", "CONDUCTION", "FAILURE", "NONE"]
RHYTHMS = ["SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "PACE"]


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train one epoch with overrides; returns the run directory."""

    def run(*overrides: str, outputs: str = "outputs") -> Path:
        arguments = (*quick_settings, "data.icd.min_records=20", "trainer.max_epochs=1", *overrides)
        assert command("train", *arguments, f"hydra.run.dir={tmp_path / outputs}") == 0
        return tmp_path / outputs

    return run


@pytest.mark.parametrize(
    ("labels", "task", "source", "classes"),
    [
        ("rhythm", "single_label", "simulation", RHYTHMS),
        ("icd_cardiac", "single_label", "icd", CARDIAC),
        ("icd_multilabel", "multi_label", "icd", None),
    ],
)
def test_a_label_set_is_one_override(
    train: Callable[..., Path], labels: str, task: str, source: str, classes: list[str] | None
) -> None:
    run = train(f"labels={labels}")
    facts = json.loads((run / "run.json").read_text())
    assert facts["task"] == task
    assert facts["labels"]["source"] == source
    assert facts["data"]["synthetic"] is True
    assert facts["leaky"] is False
    found = facts["labels"]["classes"]
    assert found == classes if classes else {"I10", "E78", "E785"} <= set(found)
    assert "test/auroc_macro" in json.loads((run / "metrics.json").read_text())


def test_one_yes_no_question_keeps_its_negatives(
    command: Command, quick_settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 50 records a code only hypertension is left of the discharge diagnoses: yes or no."""
    settings = (*quick_settings, "labels=icd_multilabel", "method=ecg_only", "trainer.max_epochs=1")
    assert command("train", *settings, f"hydra.run.dir={tmp_path}/run") == 0
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["labels"]["classes"] == ["I10"]
    assert facts["labels"]["dropped"]["no class of the label set"] == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["absent_classes"] == []
    assert 0 < metrics["per_class"][0]["n"] < metrics["n_records"]
    without = {key for key, entry in metrics.items() if key.startswith("test/") and entry["value"] is None}
    assert without <= {"test/calibration_slope_calibrated"}  # after one epoch all probabilities may become one
    assert metrics["origins"]["label_source"] == "icd"
    assert command("train", *settings, "task=single_label", f"hydra.run.dir={tmp_path}/single") == 2
    assert "set task=multilabel" in capsys.readouterr().err


def test_masked_text_follows_the_label_set_into_the_saved_model(train: Callable[..., Path], command: Command) -> None:
    only_reports = ("text.tokeniser.min_frequency=1", "text.tokeniser.glossary=false")
    run = train("labels=rhythm", "text.policy=masked", "method=text_only", *only_reports)
    words = (run / "model" / "tokeniser" / "tokenizer.json").read_text()
    assert "infarct" in words
    assert "sinus" not in words
    assert command("predict", f"run={run}", "report=Sinus rhythm. Inferior infarct.") == 0


@pytest.mark.parametrize("task", ["single_label", "multilabel"])
def test_soft_targets_reach_the_loss_and_nothing_else(
    command: Command, tmp_path: Path, quick_settings: list[str], monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    seen: list[torch.Tensor] = []
    original = DiagnosisTask.training_step

    def keeping(self: DiagnosisTask, batch: Batch, batch_index: int) -> torch.Tensor:
        seen.append(batch.labels)
        return original(self, batch, batch_index)

    monkeypatch.setattr(DiagnosisTask, "training_step", keeping)
    settings = [text for text in quick_settings if not text.startswith("data.n_")]
    source = ["data=mimic_iv_ecg", f"data.root={_tree(command, quick_settings)}", "method=ecg_only", f"task={task}"]
    chosen = [*settings, *source, "data.labels.certainty=include_possible", "trainer.max_epochs=1"]
    for targets in ("hard", "soft"):
        arguments = (*chosen, f"task.targets={targets}", f"hydra.run.dir={tmp_path / targets}")
        assert command("train", *arguments) == 0
        assert json.loads((tmp_path / targets / "run.json").read_text())["targets"] == targets
        labels = torch.cat(seen)
        seen.clear()
        if targets == "soft":
            assert labels.dtype == torch.float32
            assert ((labels > 0) & (labels < 1)).any()
            if task == "single_label":
                torch.testing.assert_close(labels.sum(dim=1), torch.ones(len(labels)))
        else:
            assert not ((labels > 0) & (labels < 1)).any()
    frames = [pl.read_parquet(tmp_path / targets / "predictions.parquet") for targets in ("hard", "soft")]
    evaluated = [frame.select(pl.col("^label.*$")) for frame in frames]
    assert evaluated[0].equals(evaluated[1])
    assert set(evaluated[0].to_numpy().ravel().tolist()) <= {0, 1, 2, 3, 4}


def _tree(command: Command, quick_settings: list[str]) -> Path:
    """The raw tree of the tiny synthetic store."""
    given = [text for text in quick_settings if text.startswith(("data.n_", "paths."))]
    assert command("prepare", *given) == 0
    raw = next(Path(text.split("=")[1]) for text in given if text.startswith("paths.raw"))
    return sorted(raw.iterdir())[0]


@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()])
def test_certain_soft_targets_cost_as_much_as_hard_ones(criterion: nn.Module) -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    numbers = torch.tensor([0, 2, 1, 1])
    one_hot = nn.functional.one_hot(numbers, 3).float()
    hard = numbers if isinstance(criterion, nn.CrossEntropyLoss) else one_hot
    torch.testing.assert_close(criterion(logits, one_hot), criterion(logits, hard))


@pytest.mark.slow
def test_a_task_of_the_ptb_xl_benchmark_trains_on_its_folds(
    command: Command, quick_settings: list[str], tmp_path: Path
) -> None:
    codes = {k: ("{'NDT': 0.0}", "{'ABQRS': 0.0, 'SR': 0.0}", "{'NORM': 100.0}")[k // 10 % 3] for k in range(1, 101)}
    write_ptb_xl(tmp_path / "tree", n=100, rate_hz=100, codes=codes)
    (tmp_path / "tree" / "scp_statements.csv").write_text(SCP)
    settings = [text for text in quick_settings if not text.startswith("data.n_patients")]
    given = ["data=ptb_xl", f"data.root={tmp_path}/tree", f"paths.stores={tmp_path}/stores", "labels=ptb_xl_form"]
    outputs = tmp_path / "outputs"
    assert command("train", *settings, *given, "method=ecg_only", f"hydra.run.dir={outputs}") == 0
    facts = json.loads((outputs / "run.json").read_text())
    assert (facts["task"], facts["labels"]["classes"]) == ("multi_label", ["ABQRS", "NDT"])
    assert facts["labels"]["dropped"]["the label set says nothing"] == 30
    assert {split["split"]: split["records"] for split in facts["data"]["splits"]} == {"train": 56, "val": 7, "test": 7}
    assert json.loads((outputs / "metrics.json").read_text())["test/auroc_macro"]["value"] is not None
