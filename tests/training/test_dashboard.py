from pathlib import Path
from typing import Any

import pytest

from ecgmm.training.dashboard import open_dashboard

CONFIG: dict[str, Any] = {
    "name": "sweep",
    "paths": {"raw": "/home/me/raw"},
    "logger": {"mode": "offline", "project": "ecgmm"},
    "data": {"name": "mimic_iv_ecg", "root": "/home/me/mimic"},
    "method": {"text_encoder": {"name_or_path": "/home/me/weights/bert"}, "dim": 8},
}


def facts(leaky: bool, synthetic: bool = False) -> dict[str, Any]:
    return {"config_digest": "abc", "leaky": leaky, "data": {"synthetic": synthetic}}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be handed to W&B."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("ecgmm.training.dashboard.WandbLogger", lambda **settings: calls.append(settings))
    return calls


def test_a_leaking_run_carries_the_mark(made: list[dict[str, Any]], tmp_path: Path) -> None:
    open_dashboard(tmp_path / "run", CONFIG, facts(leaky=True))
    open_dashboard(tmp_path / "run", CONFIG, facts(leaky=False, synthetic=True))
    assert [call["tags"] for call in made] == [["leaky"], ["synthetic"]]


def test_paths_of_this_machine_stay_here(made: list[dict[str, Any]], tmp_path: Path) -> None:
    open_dashboard(tmp_path / "run", CONFIG, facts(leaky=False))
    assert "/home/me" not in str(made[0]["config"])
    assert made[0]["config"]["method"] == {"text_encoder": {"name_or_path": "bert"}, "dim": 8}
    assert made[0]["group"] == "sweep"
    assert made[0]["offline"] is True


def test_a_resumed_run_is_the_same_wandb_run(made: list[dict[str, Any]], tmp_path: Path) -> None:
    for name in ("run", "run", "other"):
        open_dashboard(tmp_path / name, CONFIG, facts(leaky=False))
    ids = [call["id"] for call in made]
    assert ids[0] == ids[1] != ids[2]


def test_no_dashboard_where_it_is_disabled(tmp_path: Path) -> None:
    disabled = {**CONFIG, "logger": {"mode": "disabled", "project": None}}
    assert open_dashboard(tmp_path, disabled, facts(leaky=False)) is None
