"""The second cart: absent by default, and where it is there it differs as it says."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ecgmm.building import construct
from ecgmm.data.synthetic import second_cart
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.noise import RATE_HZ
from ecgmm.data.synthetic.second_cart import record, reworded
from ecgmm.data.synthetic.state import sample_states, superclass_flags
from ecgmm.data.synthetic.tree import write_tree
from ecgmm.settings import compose

CONFIG = SyntheticConfig(n_patients=40, seed=42)


def tree(folder: Path, share: float) -> Path:
    write_tree(folder, dataclasses.replace(CONFIG, second_cart=share))
    return folder


def test_without_it_a_tree_has_the_bytes_that_it_had_before_there_was_one(tmp_path: Path) -> None:
    sums = (tree(tmp_path / "tree", 0.0) / "SHA256SUMS.txt").read_bytes()
    assert hashlib.sha256(sums).hexdigest() == "abf0d4378fdddd0b5c0af8f97d0627a83ddd7e20b519c0a95653801cbc600d90"


def test_without_it_neither_tree_nor_store_has_another_name() -> None:
    names = []
    for share in ("0", "0.5"):
        data = construct(compose("prepare", [f"data.second_cart={share}", "paths.raw=/raw"]).data)
        assert ("second_cart" in data.parameters()) == (share != "0")
        names.append(data.root)
    assert names[0] == "/raw/synthetic-cd480beb9b33"
    assert names[1] != names[0]


def test_a_mixture_has_two_sites_of_carts_of_their_own(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", 0.5)
    machine = pl.read_csv(root / "machine_measurements.csv")
    both = machine.join(pl.read_csv(root / "truth.csv").select("study_id", "site"), on="study_id")
    assert set(both["site"]) == {"first", "second"}
    assert both.group_by("subject_id").agg(pl.col("site").n_unique())["site"].max() == 1, "a patient has one hospital"
    assert both.group_by("cart_id").agg(pl.col("site").n_unique())["site"].max() == 1
    bands = both.group_by("site").agg(pl.col("bandwidth").unique()).sort("site")["bandwidth"].to_list()
    assert bands == [["0.005-150 Hz"], [second_cart.BANDWIDTH]]


def test_it_scales_and_filters_its_own_records_alone() -> None:
    time_s = np.arange(5000) / RATE_HZ
    waves = np.stack([np.sin(2 * np.pi * hz * time_s) for hz in (0.05, 5.0, 60.0)], axis=1).astype(np.float32)
    signals = np.stack([waves, waves])
    record(signals, np.array([False, True]), RATE_HZ)
    assert (signals[0] == waves).all()
    slow, middle, fast = signals[1, 1000:4000].std(axis=0) / waves[1000:4000].std(axis=0)
    assert slow < 0.05
    assert middle == pytest.approx(second_cart.GAIN, rel=0.02)
    assert fast < 0.2 * second_cart.GAIN


def test_its_patients_are_sicker() -> None:
    n = 4000
    config = SyntheticConfig(n_patients=n)
    second = np.arange(n) >= n // 2
    states = sample_states(np.random.default_rng(0), np.arange(n), config, second)
    normal = superclass_flags(states.present)[:, 0]
    assert normal[~second].mean() == pytest.approx(0.40, abs=0.04)
    assert normal[second].mean() == pytest.approx(0.20, abs=0.04)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Inferior infarct - age undetermined", "Inferior myocardial infarction, date unknown"),
        ("Cannot rule out lateral infarct - age undetermined", "Query lateral myocardial infarction, date unknown"),
        ("*** ANTERIOR INFARCT - POSSIBLY ACUTE ***", "ANTERIOR myocardial infarction, recent"),
        ("Possible left anterior fascicular block", "Suspected left anterior hemiblock"),
        ("Sinus rhythm with 1st degree A-V block with PACs", "Sinus rhythm with AV block I with SVES"),
        ("Sinus rhythm", "Sinus rhythm"),
    ],
)
def test_it_says_the_same_in_other_words(line: str, words: str) -> None:
    assert reworded(line) == words
