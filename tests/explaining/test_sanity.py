"""Each check passes what deserves it, and fails what does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ecgmm.explaining import sanity
from ecgmm.explaining.attribution import attribute
from ecgmm.explaining.explanation import prepared
from ecgmm.explaining.sanity import (
    ABSOLUTE_GAP,
    Completeness,
    Curves,
    area,
    check_sanity,
    completeness,
    deletion_and_insertion,
    randomise,
)
from ecgmm.predicting.inputs import ModelInput
from ecgmm.runs.loading import SavedModel

IG = "integrated_gradients"


def test_shuffled_weights_change_the_map_and_leave_the_model_as_it_is(model: SavedModel, given: ModelInput) -> None:
    before = {name: tensor.clone() for name, tensor in model.method.state_dict().items()}
    batch = prepared(model, given)
    found = attribute(model, batch, 0, IG)
    random = randomise(model, batch, 0, IG, found, seed=3)
    assert random.passes
    assert random == randomise(model, batch, 0, IG, found, seed=3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.method.state_dict().items())


def test_a_map_that_does_not_hang_on_the_weights_fails(linear: SavedModel, given: ModelInput) -> None:
    batch = prepared(linear, given)
    random = randomise(linear, batch, 0, IG, attribute(linear, batch, 0, IG))
    assert random.signed == pytest.approx([1.0] * len(random.signed))
    assert not random.passes


def test_curves_go_from_the_record_to_the_baseline_and_back(model: SavedModel, given: ModelInput) -> None:
    batch = prepared(model, given)
    found = attribute(model, batch, 2, IG)
    waveform, words = deletion_and_insertion(model, batch, 2, found)
    as_given = 1 / (1 + np.exp(-found.log_odds))
    for curves in (waveform, words):
        assert curves.deletion[0] == curves.insertion[-1] == pytest.approx(as_given, abs=1e-5)
        assert curves.deletion[-1] == pytest.approx(curves.insertion[0], abs=1e-5)
        assert (curves.random_deletion[:, 0] == curves.deletion[0]).all()


def test_the_right_order_beats_random_ones_and_the_wrong_order_does_not(
    linear: SavedModel, given: ModelInput, weight: Tensor
) -> None:
    batch = prepared(linear, given)
    found = attribute(linear, batch, 0, IG)
    assert found.waveform is not None
    [right] = deletion_and_insertion(linear, batch, 0, found)
    [wrong] = deletion_and_insertion(linear, batch, 0, replace(found, waveform=-found.waveform))
    assert right.passes
    assert right.deletion_gain > 0 > wrong.deletion_gain
    assert right.insertion_gain > 0 > wrong.insertion_gain
    assert not wrong.passes


def test_insertion_is_not_judged_where_the_baseline_has_as_much() -> None:
    down, flat = np.linspace(0.9, 0.2, 21), np.full(21, 0.9)
    worse = np.stack([flat, flat])
    assert not Curves("waveform", down, np.linspace(0.2, 0.9, 21), worse, worse).passes
    level = Curves("waveform", down, np.linspace(0.85, 0.9, 21), worse, worse)
    assert not level.rises
    assert level.passes


def test_area_of_a_straight_line_is_a_triangle() -> None:
    assert area(np.linspace(0, 1, 21)) == pytest.approx(0.5)


def test_a_sum_that_misses_its_difference_fails() -> None:
    assert Completeness(1.0, 1.04).passes
    assert not Completeness(1.0, 1.10).passes
    assert Completeness(0.0, ABSOLUTE_GAP).passes
    assert not Completeness(0.0, 2 * ABSOLUTE_GAP).passes


def test_occlusion_promises_no_sum(linear: SavedModel, given: ModelInput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanity, "N_DRAWS", 2)
    monkeypatch.setattr(sanity, "N_ORDERS", 1)
    batch = prepared(linear, given)
    found = attribute(linear, batch, 0, IG)
    assert completeness(found).passes
    assert check_sanity(linear, batch, 0, IG, found).completeness is not None
    assert check_sanity(linear, batch, 0, "occlusion", found).completeness is None
