"""The search command: its space, and trials that look at validation alone."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from omegaconf import OmegaConf

from ecgmm.commands.search_space import points
from ecgmm.configuration import CONF_DIR
from ecgmm.console.ending import Stopped
from ecgmm.errors import ConfigError
from ecgmm.settings import checked, compose
from ecgmm.training import run as training

Command = Callable[..., int]
HALVING: Any = OmegaConf.load(CONF_DIR / "hydra" / "sweeper" / "halving.yaml")
SMALL = ["hydra.sweeper.n_settings=2", "hydra.sweeper.rungs=[{epochs:1,settings:2},{epochs:2,settings:1}]"]


def rows_of(experiment: str, axis: str) -> list[str]:
    return str(OmegaConf.load(CONF_DIR / "experiment" / f"{experiment}.yaml").hydra.sweeper.params[axis]).split(",")


def test_every_row_of_the_table_is_searched() -> None:
    assert rows_of("table2_tuned", "+tuned") == list(HALVING.own)
    assert set(rows_of("table2", "method")) <= set(HALVING.own)
    assert sum(rung.settings for rung in HALVING.rungs) == 18


def drawn_of(method: str) -> list[dict[str, str]]:
    space = {**HALVING.common, **HALVING.own[method]}
    return points(space, len(HALVING.common), HALVING.n_settings - 1, HALVING.seed)


def test_all_rows_meet_the_same_rates_and_have_at_most_two_parameters_of_their_own() -> None:
    rates = points(HALVING.common, 2, HALVING.n_settings - 1, HALVING.seed)
    for method, own in HALVING.own.items():
        assert len(own) <= 2
        assert [{key: one[key] for key in HALVING.common} for one in drawn_of(method)] == rates


@pytest.mark.parametrize("method", HALVING.own)
def test_what_is_drawn_fits_the_row(method: str) -> None:
    checked("train", compose("train", [f"method={method}", *map("=".join, drawn_of(method)[0].items())]))


def test_points_hit_each_part_of_a_range_once() -> None:
    space = {
        "a": "interval(-0.5, 10.5)",
        "b": "tag(log, interval(1, 100))",
        "c": "choice(x, y)",
        "d": "choice(true, 3)",
    }
    drawn = points(space, 2, 11, seed=0)
    assert sorted(round(float(one["a"])) for one in drawn) == list(range(11))
    assert sum(float(one["b"]) < 10 for one in drawn) in (5, 6)
    assert sorted(one["c"] for one in drawn) in (["x"] * 5 + ["y"] * 6, ["x"] * 6 + ["y"] * 5)
    assert {one["d"] for one in drawn} == {"true", "3"}
    assert drawn == points(space, 2, 11, seed=0) != points(space, 2, 11, seed=1)
    with pytest.raises(ConfigError, match="at most 2 searched parameters"):
        points({**space, "e": "interval(0, 1)"}, 2, 11, seed=0)
    with pytest.raises(ConfigError, match=r"write interval\(a, b\) or choice\(a, b\)"):
        points({"a": "5"}, 1, 11, seed=0)


@pytest.fixture
def search(command: Command, quick_settings: list[str], tiny_store: Path) -> Command:
    kept = [text for text in quick_settings if not text.startswith(("recipe=", "trainer.max_epochs="))]
    settings = ["+experiment=tuning", "method=majority", "data.seed=42", "hydra/launcher=basic", *SMALL, *kept]
    return lambda *more: command("train", *settings, *more)


@pytest.mark.slow
def test_a_search_that_is_interrupted_ends_as_one_that_was_not_and_knows_no_test_split(
    search: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert search(f"paths.outputs={tmp_path}/whole") == 0
    whole = sorted((tmp_path / "whole" / "tuning").glob("*/metrics.json"))
    assert len(whole) == 3
    for file in whole:
        metrics = json.loads(file.read_text())
        assert "val/auroc_macro" in metrics
        assert not [key for key in metrics if key.startswith("test")]
        assert set(pl.read_parquet(file.with_name("predictions.parquet"))["split"]) == {"val"}

    train, calls = training.train_run, []

    def stopping(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise Stopped(signal.SIGTERM)
        return train(*arguments)

    monkeypatch.setattr(training, "train_run", stopping)
    with pytest.raises(Stopped):
        search(f"paths.outputs={tmp_path}/killed")
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "killed").rglob("metrics.json")}
    assert len(kept) == 2
    monkeypatch.undo()
    assert search(f"paths.outputs={tmp_path}/killed") == 0
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    tables = [pl.read_csv(tmp_path / name / "tuning/trials/majority.csv").drop("run_s") for name in ("whole", "killed")]
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("method=ecg_random", "has no space to search; choose from k_merl, "),
        ("optimizer.lr=1", "optimizer.lr cannot be given to a search"),
        ("seed=1,2", "seed cannot be given to a search"),
    ],
)
def test_what_no_search_can_take_is_refused(
    search: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, words: str
) -> None:
    assert search(f"paths.outputs={tmp_path}", setting) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_trial_learns_what_a_run_learns(command: Command, quick_settings: list[str], tmp_path: Path) -> None:
    for split in ("test", "val"):
        run = f"hydra.run.dir={tmp_path}/{split}"
        assert command("train", "method=ecg_only", f"measured_split={split}", run, *quick_settings) == 0
    test, val = (json.loads((tmp_path / split / "metrics.json").read_text()) for split in ("test", "val"))
    assert val["val/auroc_macro"]["value"] == pytest.approx(test["val/auroc_macro"]["value"], abs=1e-6)
    histories = [
        pl.read_csv(tmp_path / split / "history.csv").drop("seconds", strict=False) for split in ("test", "val")
    ]
    assert histories[0].equals(histories[1])
