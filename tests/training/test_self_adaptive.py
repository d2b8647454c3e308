"""Labels that training corrects: by hand, and in a run that was killed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgmm.training.self_adaptive import SelfAdaptiveLabels
from ecgmm.types import Batch
from tests.training.lightning.test_resume import Steps, assert_same


def batch(rows: list[int]) -> Batch:
    others: dict[str, Any] = {name: torch.empty(0) for name in Batch._fields}
    return Batch(**{**others, "rows": torch.tensor(rows)})


def test_by_hand_labels_move_towards_the_answers_from_an_epoch_on() -> None:
    labels = SelfAdaptiveLabels(torch.tensor([1, 0, 1]), 2, from_epoch=1, momentum=0.75)
    answers = torch.tensor([[0.2, 0.8], [0.6, 0.4]])
    assert labels(batch([2, 1]), answers, 0).labels.tolist() == [[0, 1], [1, 0]]
    expected = torch.tensor([[0.05, 0.95], [0.9, 0.1]])
    torch.testing.assert_close(labels(batch([2, 1]), answers, 1).labels, expected)
    torch.testing.assert_close(labels.targets, torch.stack([torch.tensor([0.0, 1.0]), expected[1], expected[0]]))


def test_a_wrong_label_is_outvoted_and_stays_a_distribution() -> None:
    labels = SelfAdaptiveLabels(torch.tensor([0]), 3, from_epoch=0, momentum=0.8)
    for epoch in range(10):
        found = labels(batch([0]), torch.tensor([[0.1, 0.8, 0.1]]), epoch).labels
    assert int(found.argmax()) == 1
    torch.testing.assert_close(found.sum(), torch.tensor(1.0))


def test_certainties_of_many_classes_are_kept_apart() -> None:
    given = torch.tensor([[1.0, 0.5]])
    labels = SelfAdaptiveLabels(given, 2, from_epoch=0, momentum=0.5)
    found = labels(batch([0]), torch.tensor([[0.0, 0.5]]), 0).labels
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.5]]))
    assert given.tolist() == [[1.0, 0.5]], "labels that were given stay"


@pytest.mark.slow
def test_killed_in_an_epoch_it_goes_on_with_its_labels(
    command: Callable[..., int], quick_settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ("method=evidence_fusion", "corruption.contradict_report=0.5", "method.detector.hidden_dim=8")
    settings = (*quick_settings, *own, "self_adaptive.from_epoch=0", "checkpoint_minutes=0")

    def train(name: str) -> Path:
        assert command("train", *settings, f"hydra.run.dir={tmp_path / name}") == 0
        return tmp_path / name

    steps = Steps(monkeypatch)
    whole = train("whole")
    steps.done, steps.stop_after = 0, 6
    with pytest.raises(RuntimeError, match="power failure"):
        train("killed")
    steps.stop_after = 10_000
    assert_same(train("killed"), whole)
    targets = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]["self_adaptive.targets"]
    assert ((targets > 0) & (targets < 1)).any()
