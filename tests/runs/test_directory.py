from pathlib import Path
from typing import Any

import pytest
import torch

from ecgmm.errors import ConfigError, DataError
from ecgmm.leads import LEADS
from ecgmm.runs.directory import config_digest, finish_run, open_run, run_state
from ecgmm.runs.saved_model import ModelFacts, write_model
from tests.runs.described import described, done

MODEL_FACTS = ModelFacts.model_validate(
    {
        "task": "single_label",
        "class_names": ["NORM", "MI"],
        "labels": "superclass",
        "tokeniser": "WordTokeniser",
        "text_policy": "full",
        "max_tokens": 256,
        "method": {"_target_": "ecgmm.models.methods.ecg_only.EcgOnly"},
        "waveform": {"limit_mv": 10.0, "highpass_hz": None},
        "store": {
            "rate_hz": 100,
            "n_times": 1000,
            "uv_per_step": 5.0,
            "leads": list(LEADS),
            "lead_mean_mv": [0.0] * 12,
            "lead_std_mv": [1.0] * 12,
        },
    }
)
CONFIG: dict[str, Any] = {
    "name": "train",
    "seed": 1,
    "paths": {"outputs": "a"},
    "logger": {"mode": "auto"},
    "overwrite": False,
    "data": {"root": "x"},
    "method": {"_target_": "ecgmm.models.methods.ecg_clip.EcgClip", "shared_dim": 128},
    "task": {"name": "single_label", "selection": "exactly_one"},
    "trainer": {"max_epochs": 2, "enable_progress_bar": True},
}


def finish(run: Path) -> None:
    """Leave what a finished run leaves, as small as can be."""
    for name in ("metrics.json", "predictions.parquet"):
        (run / name).write_text("{}")
    (run / "model" / "tokeniser").mkdir(parents=True)
    for name in ("statements.json", "tokeniser/tokenizer.json"):
        (run / "model" / name).write_text("{}")
    write_model(run / "model", MODEL_FACTS, {"weight": torch.ones(2)})
    finish_run(run, done(), keep_checkpoints=False)


def test_digest_covers_what_is_computed_and_nothing_else() -> None:
    digest = config_digest(CONFIG, "store-1")
    assert digest == config_digest(
        {**CONFIG, "paths": {"outputs": "b"}, "name": "other", "data": {"root": "y"}}, "store-1"
    )
    shown_otherwise = {**CONFIG, "trainer": {"max_epochs": 2, "enable_progress_bar": False}}
    assert digest == config_digest(shown_otherwise, "store-1")
    assert digest != config_digest(CONFIG, "store-2")
    assert digest != config_digest({**CONFIG, "seed": 2}, "store-1")
    assert digest != config_digest({**CONFIG, "trainer": {"max_epochs": 3}}, "store-1")


def test_settings_that_came_later_count_where_they_change_something() -> None:
    digest = config_digest(CONFIG, "store-1")
    for before in (
        {"decayed": "all"},
        {"task": {**CONFIG["task"], "modalities": "any"}},
        {"method": {**CONFIG["method"], "pair_weight": 1.0}},
        {"keep_checkpoints": True},
    ):
        assert config_digest({**CONFIG, **before}, "store-1") == digest
    for other in (
        {"decayed": "matrices"},
        {"task": {**CONFIG["task"], "modalities": "both"}},
        {"method": {**CONFIG["method"], "pair_weight": 0.0}},
    ):
        assert config_digest({**CONFIG, **other}, "store-1") != digest


def test_a_directory_goes_from_new_to_interrupted_to_finished(tmp_path: Path) -> None:
    assert open_run(tmp_path / "run", CONFIG, described(), overwrite=False) == "new"
    assert open_run(tmp_path / "run", CONFIG, described(), overwrite=False) == "interrupted"
    finish(tmp_path / "run")
    assert open_run(tmp_path / "run", CONFIG, described(), overwrite=False) == "finished"


def test_another_run_is_never_overwritten_unasked(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, described(), overwrite=False)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ConfigError, match="overwrite=true"):
        open_run(tmp_path, CONFIG, described(config_digest="def"), overwrite=False)
    assert (tmp_path / "metrics.json").exists()
    assert open_run(tmp_path, CONFIG, described(config_digest="def"), overwrite=True) == "new"
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        "metrics.json",
        "predictions.parquet",
        "model/model.json",
        "model/model.safetensors",
        "model/statements.json",
        "model/tokeniser/tokenizer.json",
    ],
)
@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_a_finished_run_without_one_of_its_files_is_not_finished(tmp_path: Path, name: str, fault: str) -> None:
    open_run(tmp_path, CONFIG, described(), overwrite=False)
    finish(tmp_path)
    assert run_state(tmp_path, "abc") == "finished"
    (tmp_path / name).unlink()
    if fault == "changed":
        (tmp_path / name).write_text("another")
    with pytest.raises(DataError, match="overwrite=true"):
        open_run(tmp_path, CONFIG, described(), overwrite=False)
    assert open_run(tmp_path, CONFIG, described(), overwrite=True) == "new"
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"config_digest": 1, "finished": true}', "\0"])
def test_what_is_no_run_json_is_said_and_thrown_away_only_when_asked(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    (tmp_path / "metrics.json").write_text("precious")
    with pytest.raises(DataError, match=r"run\.json.*overwrite=true"):
        open_run(tmp_path, CONFIG, described(), overwrite=False)
    assert (tmp_path / "metrics.json").read_text() == "precious"
    assert open_run(tmp_path, CONFIG, described(), overwrite=True) == "new"


def test_overwriting_leaves_what_no_run_wrote_and_follows_no_link(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "best.ckpt").write_text("of another run")
    open_run(run, CONFIG, described(), overwrite=False)
    (run / "checkpoints").symlink_to(elsewhere)
    (run / "thesis.tex").write_text("mine")
    assert open_run(run, CONFIG, described(config_digest="def"), overwrite=True) == "new"
    assert (run / "thesis.tex").exists()
    assert (elsewhere / "best.ckpt").exists()
    assert not (run / "checkpoints").exists()


def test_no_folder_of_this_machine_stands_in_the_configuration(tmp_path: Path) -> None:
    settings = {**CONFIG, "data": {"root": "/home/somebody/mimic", "stores": "stores"}, "paths": {"raw": "~/raw"}}
    open_run(tmp_path / "run", settings, described(), overwrite=False)
    text = (tmp_path / "run" / "config.yaml").read_text()
    assert "somebody" not in text
    assert "root: mimic" in text
    assert "raw: raw" in text


def test_files_of_a_run_without_run_json_are_no_new_run(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(DataError, match=r"holds checkpoints of a run and no run\.json"):
        open_run(tmp_path, CONFIG, described(), overwrite=False)
    assert open_run(tmp_path, CONFIG, described(), overwrite=True) == "new"
    assert not (tmp_path / "checkpoints").exists()
