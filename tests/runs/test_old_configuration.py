"""Configurations of runs that were trained by version 0.1."""

from pathlib import Path

from ecgmm.runs.configuration import read_config


def test_the_old_name_of_a_selection_is_read_as_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("task: {name: single_label, policy: priority}\ntext: {policy: full}\n")
    settings = read_config(tmp_path, {})
    assert settings == {"task": {"name": "single_label", "selection": "priority"}, "text": {"policy": "full"}}
