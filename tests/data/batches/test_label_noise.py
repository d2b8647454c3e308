"""Labels made wrong on purpose: how many, which, and that test, windows and parts of the training keep to it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.batches.label_noise import LabelNoise
from ecgmm.data.batches.targets import Targets
from ecgmm.errors import ConfigError

CLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
PAIRS = [["MI", "STTC"], ["HYP", "CD"]]
N = 6000


def records(windows: int = 1) -> pl.DataFrame:
    splits = np.repeat(np.array(["train", "val", "test"])[np.arange(N) % 3], windows)
    return pl.DataFrame({"record": np.repeat(np.arange(N)[::-1], windows), "split": splits})


def targets_of(values: Any, training: Any = None) -> Targets:
    usable = np.ones(len(values), dtype=bool)
    return Targets(
        values, values if training is None else training, usable, np.zeros((len(values), 5)) > 0, {}, CLASSES
    )


@pytest.fixture
def single() -> Targets:
    return targets_of(np.random.default_rng(0).integers(0, 5, N))


@pytest.fixture
def multi() -> Targets:
    return targets_of((np.random.default_rng(0).random((N, 5)) < [0.5, 0.2, 0.2, 0.1, 0.05]).astype(np.float32))


@pytest.mark.parametrize(
    ("kind", "wrong_as"),
    [
        ("symmetric", {k: set(range(5)) - {k} for k in range(5)}),
        ("asymmetric", {k: {(k + 1) % 5} for k in range(5)}),
        ("confusable", {0: set(), 1: {2}, 2: {1}, 3: {4}, 4: {3}}),
    ],
)
def test_each_kind_changes_the_rate_of_labels_to_the_classes_it_names(
    single: Targets, kind: str, wrong_as: dict[int, set[int]]
) -> None:
    changed, wrong = LabelNoise(kind, 0.3, PAIRS).disturb(single, records(), seed=1)
    in_test = (records()["split"] == "test").to_numpy()
    assert not wrong[in_test].any()
    np.testing.assert_array_equal(changed.values != single.values, wrong)
    for k, others in wrong_as.items():
        of_class = (single.values == k) & ~in_test
        assert set(changed.values[of_class & wrong]) == others
        assert wrong[of_class].mean() == pytest.approx(0.3 if others else 0, abs=0.05)


def test_symmetric_keeps_the_frequency_of_classes_where_a_record_has_several(multi: Targets) -> None:
    changed, wrong = LabelNoise("symmetric", 0.3).disturb(multi, records(), seed=1)
    seen = (records()["split"] != "test").to_numpy()
    np.testing.assert_array_equal(changed.values.sum(axis=0), multi.values.sum(axis=0))
    lost = ((multi.values == 1) & wrong)[seen].sum(axis=0) / multi.values[seen].sum(axis=0)
    np.testing.assert_allclose(lost, 0.3, atol=0.06)
    assert not wrong[~seen].any()


def test_confusable_moves_a_class_within_its_pair_where_a_record_has_several(multi: Targets) -> None:
    changed, _ = LabelNoise("confusable", 1.0, PAIRS).disturb(multi, records(), seed=1)
    seen = (records()["split"] != "test").to_numpy()
    np.testing.assert_array_equal(changed.values[seen], multi.values[seen][:, [0, 2, 1, 4, 3]])


@pytest.mark.parametrize("kind", ["symmetric", "asymmetric", "confusable"])
def test_rate_0_changes_nothing_and_another_seed_draws_others(single: Targets, multi: Targets, kind: str) -> None:
    for targets in (single, multi):
        assert not LabelNoise(kind, 0.0, PAIRS).disturb(targets, records(), 1)[1].any()
        first, again, other = (LabelNoise(kind, 0.3, PAIRS).disturb(targets, records(), seed)[1] for seed in (1, 1, 2))
        assert (first == again).all()
        assert (first != other).any()


def test_windows_of_a_record_keep_one_label(single: Targets) -> None:
    windows = targets_of(np.repeat(single.values, 3))
    changed, _ = LabelNoise("symmetric", 0.3).disturb(windows, records(3), seed=1)
    assert (changed.values.reshape(N, 3) == changed.values[::3, None]).all()


def test_a_soft_target_stays_where_its_label_did(single: Targets) -> None:
    soft = np.full((N, 5), 0.2, dtype=np.float32)
    changed, wrong = LabelNoise("symmetric", 0.3).disturb(targets_of(single.values, soft), records(), seed=1)
    np.testing.assert_array_equal(changed.training[wrong], np.eye(5)[changed.values[wrong]])
    assert (changed.training[~wrong] == np.float32(0.2)).all()


@pytest.mark.parametrize(("kind", "pairs", "words"), [("confusable", [["MI", "X"]], "pair classes of NORM, MI")])
def test_pairs_of_unknown_classes_are_refused(single: Targets, kind: str, pairs: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        LabelNoise(kind, 0.3, pairs).disturb(single, records(), 1)


def test_one_class_cannot_be_taken_for_another() -> None:
    with pytest.raises(ConfigError, match=r"label_noise\.kind is 'symmetric'"):
        LabelNoise("symmetric", 0.3).transition(["AF"])


def test_wrong_labels_do_not_depend_on_what_else_is_left_out(
    command: Callable[..., int], quick_settings: list[str], tmp_path: Any
) -> None:
    noise = ("label_noise.kind=symmetric", "label_noise.rate=0.3", "method=majority", "trainer.max_epochs=1")
    labels = {}
    for name, more in {"all": (), "half": ("held_out=1/2",)}.items():
        run = tmp_path / name
        assert command("train", *quick_settings, *noise, *more, f"hydra.run.dir={run}") == 0
        frame = pl.read_parquet(run / "predictions.parquet", glob=False)
        labels[name] = frame.filter(pl.col("split") == "val")["label"]
        assert (run / "held_out.parquet").exists() == (name == "half")
    assert labels["all"].equals(labels["half"])
