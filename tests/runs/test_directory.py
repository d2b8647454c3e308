from pathlib import Path
from typing import Any

import pytest

from ecgmm.errors import ConfigError
from ecgmm.files import write_json
from ecgmm.runs.directory import config_digest, open_run

CONFIG: dict[str, Any] = {
    "name": "train",
    "seed": 1,
    "paths": {"outputs": "a"},
    "logger": {"mode": "auto"},
    "overwrite": False,
    "data": {"root": "x"},
    "trainer": {"max_epochs": 2, "enable_progress_bar": True},
}


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


def test_a_directory_goes_from_new_to_interrupted_to_finished(tmp_path: Path) -> None:
    facts = {"config_digest": "abc"}
    assert open_run(tmp_path / "run", CONFIG, facts, overwrite=False) == "new"
    assert open_run(tmp_path / "run", CONFIG, facts, overwrite=False) == "interrupted"
    write_json(tmp_path / "run" / "run.json", {**facts, "finished": True})
    assert open_run(tmp_path / "run", CONFIG, facts, overwrite=False) == "finished"


def test_another_run_is_never_overwritten_unasked(tmp_path: Path) -> None:
    open_run(tmp_path, CONFIG, {"config_digest": "abc"}, overwrite=False)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(ConfigError, match="overwrite=true"):
        open_run(tmp_path, CONFIG, {"config_digest": "def"}, overwrite=False)
    assert (tmp_path / "metrics.json").exists()
    assert open_run(tmp_path, CONFIG, {"config_digest": "def"}, overwrite=True) == "new"
    assert not (tmp_path / "metrics.json").exists()
