"""Values are those worked out by hand, add up, and are nothing where nothing changes."""

import math
import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from ecgmm.errors import ConfigError
from ecgmm.explaining.attribution import attribute, baselines
from ecgmm.explaining.explanation import prepared
from ecgmm.explaining.target import log_odds
from ecgmm.predicting.inputs import ModelInput, read_input
from ecgmm.runs.loading import SavedModel
from tests.explaining.conftest import REPORT


def test_integrated_gradients_of_a_linear_method_are_weight_times_distance(
    linear: SavedModel, given: ModelInput, weight: Tensor
) -> None:
    batch = prepared(linear, given)
    found = attribute(linear, batch, 0, "integrated_gradients")
    by_hand = weight * (batch.waveforms - baselines(linear, batch)[0])[0]
    assert found.waveform is not None
    assert np.allclose(found.waveform, by_hand, atol=1e-5)
    assert found.log_odds == pytest.approx(float((weight * batch.waveforms[0]).sum()) - math.log(4), abs=1e-4)


def test_occlusion_of_a_linear_method_is_what_its_window_holds(
    linear: SavedModel, given: ModelInput, weight: Tensor
) -> None:
    weight.zero_()
    weight[1, 450] = 1.0
    batch = prepared(linear, given)
    found = attribute(linear, batch, 0, "occlusion").waveform
    distance = float((batch.waveforms - baselines(linear, batch)[0])[0, 1, 450])
    assert found is not None
    assert found[1, 450] == pytest.approx(distance, abs=1e-4)  # both windows over it hold it
    assert found[1, 445] == pytest.approx(distance / 2, abs=1e-4) or found[1, 445] == pytest.approx(distance, abs=1e-4)
    assert not found[0].any()
    assert not found[1, :400].any()


def test_values_of_waveform_and_words_add_up(model: SavedModel, given: ModelInput) -> None:
    found = attribute(model, prepared(model, given), 1, "integrated_gradients")
    assert found.waveform is not None
    assert found.words is not None
    total = found.waveform.sum() + found.words.sum()
    assert total == pytest.approx(found.log_odds - found.baseline_log_odds, abs=0.01)


def test_a_word_that_the_model_does_not_know_counts_nothing(model: SavedModel, record: str) -> None:
    given = read_input(model, None, "Sinus rhythm zyxwv. Abnormal ECG.")
    unknown = (given.batch.token_ids == model.tokeniser.unknown_id)[0].numpy()
    assert unknown.sum() == 1
    for method in ("integrated_gradients", "occlusion"):
        words = attribute(model, prepared(model, given), 0, method).words
        assert words is not None
        assert np.abs(words[unknown]).max() < 1e-5
        assert words[~unknown].all()


def test_a_half_that_is_not_there_has_no_values(model: SavedModel, record: str) -> None:
    alone = attribute(model, prepared(model, read_input(model, None, REPORT)), 0, "integrated_gradients")
    assert alone.waveform is None
    assert alone.words is not None


def test_log_odds_are_those_of_the_probability_in_both_tasks() -> None:
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    for task, shares in (("single_label", logits.softmax(1)), ("multi_label", logits.sigmoid())):
        assert torch.allclose(log_odds(logits, task), shares.logit(), atol=1e-5)  # type: ignore[arg-type]  # a name of a task
    shifted = log_odds(logits + 7, "single_label")
    assert torch.allclose(shifted, log_odds(logits, "single_label"), atol=1e-5)


def test_without_captum_the_extra_is_named(
    model: SavedModel, given: ModelInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(ConfigError, match=r"ecgmm\[explain\]"):
        attribute(model, prepared(model, given), 0, "integrated_gradients")
