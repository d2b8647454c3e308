"""GroupDRO: weights by hand, domains from a store, and runs that resume and share batches with the same weights."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from ecgmm.errors import ConfigError
from ecgmm.training.group_dro import GroupDro, group_dro
from ecgmm.types import Batch, ModelOutput
from tests.training.lightning.test_resume import Steps, assert_same

SETTINGS = {"column": "site", "min_records": 2, "step_size": 0.5}


def batch(rows: list[int], labels: list[int]) -> Batch:
    others: dict[str, Any] = {name: torch.empty(0) for name in Batch._fields}
    return Batch(**{**others, "rows": torch.tensor(rows), "labels": torch.tensor(labels)})


def data(sites: list[str | None], n_train: int) -> Any:
    """What of a data module is looked at: sites of the rows, of which the first are of the training."""
    records = pl.DataFrame({"site": sites}, schema={"site": pl.String})
    return SimpleNamespace(store=SimpleNamespace(records=records), rows={"train": np.arange(n_train)})


def test_by_hand_the_worse_domain_gains_weight_and_an_absent_one_loses() -> None:
    dro = GroupDro(torch.tensor([0, 0, 1, 2]), 3, 0.5)
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 2.0]], requires_grad=True)
    output, seen = ModelOutput(logits), batch([0, 1, 2], [0, 0, 0])
    terms = dro({"cls": torch.tensor(9.0), "cons": torch.tensor(4.0)}, nn.CrossEntropyLoss(), output, seen)
    losses = np.array([(np.log1p(np.exp(-2)) + np.log(2)) / 2, np.log1p(np.exp(2)), 0.0])
    weights = np.exp(0.5 * losses) / np.exp(0.5 * losses).sum()
    assert dro.weights.numpy() == pytest.approx(weights)
    assert weights[1] > weights[0] > weights[2]
    assert float(terms["cls"].detach()) == pytest.approx((weights * losses).sum())
    assert float(terms["cons"]) == 4
    terms["cls"].backward()
    assert logits.grad is not None
    assert float(logits.grad[2, 1]) == pytest.approx(weights[1] / (1 + np.exp(-2)))


def test_without_a_class_term_nothing_is_touched() -> None:
    dro = GroupDro(torch.tensor([0, 1]), 2, 0.5)
    terms = {"contrastive": torch.tensor(1.0)}
    assert dro(terms, nn.CrossEntropyLoss(), ModelOutput(torch.zeros(1, 2)), batch([0], [0])) == terms
    assert dro.weights.tolist() == [0.5, 0.5]


def test_small_and_unknown_domains_are_one() -> None:
    dro = group_dro(SETTINGS, data(["b", "a", "a", "b", "c", None, "b", "d"], 6))
    assert dro.domain_of_row.tolist() == [1, 0, 0, 1, 2, 2, 1, 2]
    assert len(dro.weights) == 3
    assert len(group_dro(SETTINGS, data(["a", "a", "b", "b", None], 4)).weights) == 2, "no domain without records"


@pytest.mark.parametrize("sites", [["a"] * 4, [None] * 4, ["a", "b", "c", "d"]])
def test_a_single_domain_is_refused(sites: list[str | None]) -> None:
    with pytest.raises(ConfigError, match="needs two at least"):
        group_dro(SETTINGS, data(sites, 4))


@pytest.mark.slow
def test_killed_in_an_epoch_it_goes_on_with_its_weights(
    command: Callable[..., int], quick_settings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domains = ("domains.column=device", "domains.min_records=3", "domains.step_size=0.5", "checkpoint_minutes=0")

    def train(name: str) -> Path:
        assert (
            command("train", *quick_settings, *domains, "keep_checkpoints=true", f"hydra.run.dir={tmp_path / name}")
            == 0
        )
        return tmp_path / name

    steps = Steps(monkeypatch)
    whole = train("whole")
    steps.done, steps.stop_after = 0, 6
    with pytest.raises(RuntimeError, match="power failure"):
        train("killed")
    steps.stop_after = 10_000
    assert_same(train("killed"), whole)
    weights = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]["group_dro.weights"]
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights.std()) > 0
