"""The published rows of Table 2 from the command to a prediction, with and without reports to learn from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecgmm.data.sources.source import flatten

Command = Callable[..., int]
WITH_REPORT = ("cross_modal_transformer", "meit", "ecg_doctor")
PUBLISHED = ("ecg_clip", "fg_clep", "k_merl", "time_frequency", *WITH_REPORT)
CLASSES = {"NORM", "MI", "STTC", "CD", "HYP"}


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train one epoch with overrides; returns the run directory."""

    def run(*overrides: str) -> Path:
        arguments = (*quick_settings, "trainer.max_epochs=1", *overrides, f"hydra.run.dir={tmp_path}/run")
        assert command("train", *arguments) == 0
        return tmp_path / "run"

    return run


def numbers(metrics: dict[str, Any]) -> dict[str, float]:
    """Every metric by its path."""
    flat = flatten({name: part for name, part in metrics.items() if isinstance(part, dict)})
    return {name: value for name, value in flat.items() if isinstance(value, float)}


@pytest.mark.slow
@pytest.mark.parametrize("method", PUBLISHED)
def test_a_row_trains_evaluates_and_predicts_one_record(
    train: Callable[..., Path], command: Command, workspace: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    run = train(f"method={method}", "trainer.precision=32-true")
    metrics = json.loads((run / "metrics.json").read_text())
    assert 0.3 < metrics["test/auroc_macro"]["value"] <= 1
    assert command("evaluate", f"run={run}", f"paths.stores={workspace}/stores") == 0
    for part in (metrics, *metrics["readouts"].values()):
        del part["val/auroc_macro"]  # only training looks at validation as well
    [file] = (run / "evaluation").glob("*-test.json")
    # Other batches are padded to other widths, which moves the last digit of a language model.
    assert numbers(json.loads(file.read_text())) == pytest.approx(numbers(metrics), abs=1e-6)
    record = next((workspace / "raw").rglob("*.hea"))
    capsys.readouterr()
    assert command("predict", f"run={run}", f"record={record}", "report=Sinus rhythm") == 0
    lines = capsys.readouterr().out.splitlines()
    probabilities = {line.split()[0]: float(line.split()[1]) for line in lines[: len(CLASSES)]}
    assert probabilities.keys() == CLASSES
    assert sum(probabilities.values()) == pytest.approx(1, abs=0.003)
    known = (
        "decision:",
        "not ruled out",
        "gate:",
        "inconsistency of",
        "quality of the signal:",
        "words of the report:",
    )
    own = [line for line in lines[len(CLASSES) :] if not line.startswith(known)]
    assert bool(own) == (method in ("meit", "ecg_doctor")), "these two explain themselves"


@pytest.mark.slow
@pytest.mark.parametrize("method", PUBLISHED)
def test_a_row_learns_where_no_report_is_shown(train: Callable[..., Path], method: str) -> None:
    run = train(f"method={method}", "text.policy=none", "task=multilabel")
    assert 0 < json.loads((run / "metrics.json").read_text())["test/auroc_macro"]["value"] <= 1
