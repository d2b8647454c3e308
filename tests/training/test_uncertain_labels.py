"""Wrong and uncertain labels, from the command line to run.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.labels.label_table import LabelTable
from ecgmm.errors import ConfigError
from ecgmm.training.build import refuse_certain

Command = Callable[..., int]


def facts(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "run.json").read_text())
    return content


def test_wrong_labels_are_counted_shown_and_make_another_run(
    command: Command, quick_settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (*quick_settings, "method=majority", f"hydra.run.dir={tmp_path / 'run'}")
    noise = ("label_noise.kind=confusable", "label_noise.rate=0.5", "label_noise.pairs=[[NORM,MI]]")
    assert command("train", *settings, *noise) == 0
    found = facts(tmp_path / "run")
    assert found["label_noise"] == {"kind": "confusable", "rate": 0.5, "pairs": [["NORM", "MI"]]}
    wrong = {split["split"]: split["disturbed"] for split in found["data"]["participants"]["splits"]}
    assert wrong["test"] == 0
    assert min(wrong["train"], wrong["val"]) > 0
    printed = capsys.readouterr()
    assert "label made wrong" in printed.out + printed.err
    assert command("train", *settings) == 2  # with labels as they are it is another run


@pytest.mark.parametrize("task", ["single_label", "multilabel"])
@pytest.mark.slow
def test_forward_correction_learns_the_noise_and_saves_it_with_the_model(
    command: Command, quick_settings: list[str], tmp_path: Path, task: str
) -> None:
    run = tmp_path / "run"
    settings = (*quick_settings, f"task={task}", "method=text_only", "criterion=forward_correction")
    assert command("train", *settings, "label_noise.kind=symmetric", f"hydra.run.dir={run}") == 0
    assert facts(run)["criterion"] == "forward correction"
    transition = load_file(run / "model" / "model.safetensors")["criterion.transition"]
    assert transition.shape == ((5, 5) if task == "single_label" else (5, 2, 2))
    torch.testing.assert_close(transition.sum(-1), torch.ones(transition.shape[:-1]))
    assert (transition.diagonal(dim1=-2, dim2=-1) >= 0.4 - 1e-6).all()  # most_wrong is 0.6
    assert (run / "history.csv").read_text().splitlines()[0].count("val/wrong_labels") == 1
    assert command("evaluate", f"run={run}", *[one for one in quick_settings if one.startswith("paths.stores")]) == 0


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("label_noise.kind=random", "label_noise.kind"),
        ("label_noise.rate=2", "label_noise.rate"),
        ("label_noise.pairs=[[MI,MI]]", "label_noise.pairs"),
        ("held_out=0/4", "held_out"),
        ("held_out=5/4", "held_out"),
        ("task.targets=soft", "are all certain"),
    ],
)
def test_mistakes_are_told_with_their_key(
    command: Command, quick_settings: list[str], capsys: pytest.CaptureFixture[str], mistake: str, words: str
) -> None:
    assert command("train", *quick_settings, mistake) == 2
    assert words in capsys.readouterr().err


def test_soft_targets_ask_for_a_label_that_is_uncertain() -> None:
    label_set = LabelSet("s", ("A", "B"), "annotation", "rules")
    refuse_certain(LabelTable(label_set, np.array([[1, 0], [0.8, np.nan]], dtype=np.float32), {}))
    with pytest.raises(ConfigError, match="labels=s of this store are all certain"):
        refuse_certain(LabelTable(label_set, np.array([[1, 0], [np.nan, 0]], dtype=np.float32), {}))
