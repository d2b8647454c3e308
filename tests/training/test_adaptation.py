"""Adaptation without labels: statistics of batch norms, shares of classes, sets, and the files that say so."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError
from ecgmm.evaluation.thresholds import Thresholds
from ecgmm.runs.measuring import Fitted
from ecgmm.runs.metrics import Metrics, read_named_evaluations
from ecgmm.settings import ranges
from ecgmm.training import adaptation
from ecgmm.training.adaptation import Predicted, adapt_batch_norm, adapted, conformal_sets, validation_of
from ecgmm.training.evaluation_choice import Choice
from ecgmm.types import Batch
from tests.evaluation.test_label_shift import SOURCE, records

NAMES = ["NORM", "MI", "HYP"]
SHIFTED = np.array([0.1, 0.2, 0.7])
STORE: Any = SimpleNamespace(path=Path("/stores/there"))


def table(split: str, prior: np.ndarray, n: int, seed: int) -> pl.DataFrame:
    labels, probabilities = records(prior, n, seed)
    shares = {f"probability.{name}": probabilities[:, k].astype(np.float32) for k, name in enumerate(NAMES)}
    numbers = np.arange(n)
    ids = {"row": numbers, "record": numbers, "patient": numbers, "window": 0, "split": split}
    return pl.DataFrame({**ids, "label": labels, **shares})


def predicted() -> Predicted:
    fitted = {"": Fitted(None, 1.5)}
    frame = table("test", SHIFTED, 4000, 1)
    return Predicted(frame, table("val", SOURCE, 4000, 2), NAMES, "single_label", fitted, {})


class Task(nn.Module):
    """A task whose method is one batch norm of the waveforms."""

    def __init__(self) -> None:
        super().__init__()
        self.method = nn.Sequential(nn.BatchNorm1d(12), nn.Dropout(0.5))

    def forward(self, batch: Batch) -> Tensor:
        result: Tensor = self.method(batch.waveforms)
        return result


def test_batch_norms_have_the_statistics_of_the_unlabelled_records() -> None:
    waveforms = 3 + 2 * torch.randn(4, 8, 12, 50, generator=torch.Generator().manual_seed(0))
    others: dict[str, Any] = {name: torch.empty(0) for name in Batch._fields}
    loader = [Batch(**{**others, "waveforms": part}) for part in waveforms]
    task: Any = Task()
    data: Any = SimpleNamespace(split_dataloader=lambda *splits: loader if splits == ("test",) else [])
    adapt_batch_norm(task, data, ["test"], torch.device("cpu"))
    norm = task.method[0]
    assert norm.running_mean.numpy() == pytest.approx(waveforms.mean(dim=(0, 1, 3)).numpy(), abs=1e-4)
    assert norm.running_var.numpy() == pytest.approx(
        waveforms.transpose(0, 2).reshape(12, -1).var(dim=1).numpy(), rel=0.05
    )
    assert norm.momentum == 0.1
    assert not any(module.training for module in task.modules())
    assert norm.weight.tolist() == [1.0] * 12, "what was learnt stays"


def test_shares_of_classes_are_estimated_and_probabilities_follow() -> None:
    before = predicted()
    after, facts = adapted(before, ["label_shift"], 4)
    assert facts.target_prior is not None
    assert list(facts.target_prior.values()) == pytest.approx(SHIFTED, abs=0.05)
    assert facts.steps == ["label_shift"]
    assert facts.n_records == 4000
    assert facts.batch_norm_layers is None
    names = [f"probability.{name}" for name in NAMES]
    assert after.frame.select(names).sum_horizontal().to_numpy() == pytest.approx(1, abs=1e-5)
    assert after.frame.select(names).mean().row(0) == pytest.approx(SHIFTED, abs=0.05)
    assert after.fitted[""].temperature is None, "calibrated already"
    no_labels = adapted(
        Predicted(before.frame.with_columns(label=pl.lit(0)), *(list(vars(before).values())[1:])), ["label_shift"], 4
    )[1]
    assert no_labels == facts, "labels of the place are not looked at"


def test_a_set_of_foreign_reports_is_answered_by_the_waveform() -> None:
    frame = predicted().frame
    names = [f"probability.{name}" for name in NAMES]
    halves = {f"as_pair.{name}": pl.lit(1 / 3) for name in names} | {
        f"waveform_alone.{name}": pl.col(name) for name in names
    }
    doubtful = frame.with_columns(inconsistency=pl.lit(4.0), **halves).with_columns(
        pl.lit(1 / 3).cast(pl.Float32).alias(name) for name in names
    )
    after, facts = adapted(Predicted(doubtful, *(list(vars(predicted()).values())[1:])), ["exchange_rate"], 0)
    assert facts.exchange_rate == pytest.approx(1, abs=1e-3)
    assert after.frame.select(names).to_numpy() == pytest.approx(frame.select(names).to_numpy(), abs=1e-3)


def test_doubt_is_for_methods_that_have_it() -> None:
    silent = predicted()
    frame = silent.frame.with_columns(inconsistency=pl.lit(None, pl.Float32))
    with pytest.raises(ConfigError, match=r"needs a method that says how well report and waveform agree"):
        adapted(Predicted(frame, *(list(vars(silent).values())[1:])), ["exchange_rate"], 0)


def test_thresholds_of_a_multi_label_task_move_with_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((2000, 1)) < 0.3
    share = np.where(truth, rng.beta(4, 2, truth.shape), rng.beta(2, 4, truth.shape)).astype(np.float32)
    one = pl.DataFrame({"label.MI": truth[:, 0].astype(np.float32), "probability.MI": share[:, 0]})
    fitted = {"": Fitted(Thresholds(np.array([0.4]), np.array([False])), 1.0)}
    after, _ = adapted(Predicted(one, one, ["MI"], "multi_label", fitted, {}), ["label_shift"], 0)
    moved = after.fitted[""].thresholds
    assert moved is not None
    called = after.frame["probability.MI"].to_numpy() >= moved.values[0]
    assert (called == (share[:, 0] >= 0.4)).mean() > 0.97, "without a shift hardly a decision changes"


def test_sets_keep_their_promise_where_shares_were_estimated() -> None:
    after, _ = adapted(predicted(), ["label_shift"], 0)
    found = conformal_sets(after, 0.9)
    assert found.weighted
    assert found.coverage == pytest.approx(0.9, abs=0.02)
    assert not conformal_sets(predicted(), 0.9).weighted
    assert 1 <= found.mean_size < 3
    assert found.n_calibration == 4000


def test_sets_are_for_one_class_a_record() -> None:
    with pytest.raises(ConfigError, match=r"conformal=0\.9 makes sets for tasks of one class a record"):
        conformal_sets(Predicted(pl.DataFrame(), pl.DataFrame(), ["MI"], "multi_label", {}, {}), 0.9)


def test_validation_over_some_classes_is_as_an_evaluation_predicts_them() -> None:
    whole = table("val", SOURCE, 50, 0)
    some = validation_of(whole, NAMES, ["HYP", "NORM"], "single_label")
    kept = whole.filter(pl.col("label") != 1)
    assert some.height == kept.height
    assert some["label"].to_list() == [{0: 1, 2: 0}[label] for label in kept["label"]]
    of_hyp = kept["probability.HYP"] / (kept["probability.HYP"] + kept["probability.NORM"])
    assert some["probability.HYP"].to_numpy() == pytest.approx(of_hyp.to_numpy(), abs=1e-6)


def test_the_files_say_what_was_adapted() -> None:
    assert Choice().file_name(STORE) == "there-test"
    assert Choice(adapt=["batch_norm", "label_shift"]).file_name(STORE) == "there-test_adapted-batch_norm+label_shift"
    assert Choice(name="second_cart").file_name(STORE) == "second_cart"
    assert Choice(name="second_cart", adapt=["batch_norm"]).file_name(STORE) == "second_cart_adapted"


def test_the_table_of_settings_knows_every_step() -> None:
    assert adaptation.ADAPTATIONS == ranges.ADAPTATIONS


@pytest.mark.slow
def test_the_command_adapts_and_leaves_the_model_as_it_is(
    command: Callable[..., int], quick_settings: list[str], workspace: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert command("train", *quick_settings, "method=ecg_only", f"hydra.run.dir={run}") == 0
    saved = (run / "model" / "model.safetensors").read_bytes()
    evaluate = ("evaluate", f"run={run}", f"paths.stores={workspace}/stores", "conformal=0.9")
    assert command(*evaluate, "name=plain") == 0
    assert command(*evaluate, "name=both", "adapt=[label_shift,batch_norm]") == 0
    assert command(*evaluate, "name=norms", "adapt=batch_norm", "recalibrate=0.5", "recalibrate_by=vector") == 0
    assert (run / "model" / "model.safetensors").read_bytes() == saved
    found = read_named_evaluations(run)
    assert sorted(found) == ["both_adapted", "norms_adapted", "plain"]
    at_home = json.loads((run / "metrics.json").read_text())
    assert found["plain"]["test/auroc_macro"].value == at_home["test/auroc_macro"]["value"]
    assert found["plain"].adaptation is None
    both, norms = found["both_adapted"], found["norms_adapted"]
    assert both.adaptation is not None
    assert both.adaptation.steps == ["batch_norm", "label_shift"], "in their order, whatever was written"
    assert both.adaptation.batch_norm_layers == 2
    assert both.conformal is not None
    assert both.conformal.weighted
    assert norms["test/auroc_macro"].value != at_home["test/auroc_macro"]["value"]
    assert norms.recalibration is not None
    assert norms.recalibration.by == "vector"
    assert Metrics.model_validate(both.plain()) == both
