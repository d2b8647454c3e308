"""The dashboard as code: its panels show keys that runs log, its sweeps are those of the experiments."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.dashboard import workspace
from ecgmm.data.sources.source import flatten
from ecgmm.evaluation.metrics import TABLE2_METRICS
from tests.dashboard.wandb_files import key_of, records

SECTIONS = ["λ study", "Fraction study", "Table 2", "Training curves"]


def specification() -> dict[str, Any]:
    return workspace.specification(
        workspace.build_workspace("someone", "ecgmm"), workspace.build_report("someone", "ecgmm")
    )


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object of a value, at any depth."""
    if isinstance(value, dict):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from objects_in(part)


def keys_used(spec: dict[str, Any]) -> set[str]:
    """Keys of history, summary (``summary:``) and configuration (``config:``) that a specification names."""
    found = set()
    for each in objects_in(spec):
        if "viewType" in each:
            panel = each["config"]
            found |= {*panel.get("metrics", []), panel.get("xAxis"), panel.get("yAxis")}
            found |= {column["accessor"] for column in panel.get("columns", [])}
            found |= {f"config:{panel['groupBy']}"} if "groupBy" in panel else set()
        found |= {f"config:{key['name']}" for key in each.get("grouping", [])}
        found |= set(each.get("columnPinned", {}))
    known = {name.replace("summary_metrics.", "summary:").replace(".value", "") for name in found - {None}}
    return {name for name in known if not name.startswith("run:")}


@pytest.fixture(scope="module")
def logged(quick_settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Keys of history, summary and configuration of a tiny run of the paper's model."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from ecgmm.data.preparation.opening import open_or_prepare
    from ecgmm.training.build import set_up
    from ecgmm.training.run import train_run

    directory = tmp_path_factory.mktemp("logged")
    settings = [text for text in quick_settings if text != "logger=none"]
    GlobalHydra.instance().clear()
    with pytest.MonkeyPatch.context() as patch, initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        for name in ("DATA", "CACHE", "ARTIFACT"):
            patch.setenv(f"WANDB_{name}_DIR", "")  # put back afterwards
        config = compose("train", [*settings, "logger=wandb", "logger.mode=offline", "logger.artifacts=false"])
        train_run(set_up(config, open_or_prepare(config.data)), directory)
    keys = set()
    for record in records(directory):
        keys |= {key_of(item) for item in record.history.item}
        keys |= {f"summary:{key_of(item)}" for item in record.summary.update}
        for item in (*record.run.config.update, *record.config.update):
            keys |= {f"config:{key}" for key in flatten({item.key: json.loads(item.value_json)})}
    return keys


def test_every_panel_shows_what_runs_log(logged: set[str]) -> None:
    used = keys_used(specification())
    assert {"summary:test/auroc_macro", "config:method.lambda_cons", "train/loss_cons"} <= used
    assert used - logged == set()


def test_the_sections_are_the_studies_with_the_runs_of_their_sweeps() -> None:
    spec = specification()
    assert [section["name"] for section in spec["workspace"]["section"]["panelBankConfig"]["sections"]] == SECTIONS
    titles = [block["children"][0]["text"] for block in spec["report"]["blocks"] if block["type"] == "heading"]
    assert titles == SECTIONS
    grids = [block["metadata"] for block in spec["report"]["blocks"] if block["type"] == "panel-grid"]
    groups = [run_set["filters"]["filters"][0]["value"] for grid in grids for run_set in grid["runSets"]]
    assert groups == ["lambda_sweep", "fraction_sweep", "table2", "table2"]
    names = {OmegaConf.load(path).name for path in (CONF_DIR / "experiment").glob("*.yaml")}
    assert set(groups) <= names


def test_table_2_has_its_eight_metrics() -> None:
    sections = specification()["workspace"]["section"]["panelBankConfig"]["sections"]
    shown = {name for panel in sections[2]["panels"] for name in panel["config"].get("metrics", [])}
    assert shown == {f"summary_metrics.test/{name}" for name in TABLE2_METRICS}


def test_panels_of_the_report_do_not_overlap() -> None:
    for grid in (block["metadata"] for block in specification()["report"]["blocks"] if block["type"] == "panel-grid"):
        places = [panel["layout"] for panel in grid["panelBankSectionConfig"]["panels"]]
        cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24


Login = Callable[[bool], None]


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Login:
    import wandb

    return lambda known: monkeypatch.setattr(wandb, "login", lambda **_: known)


@pytest.mark.parametrize("options", [["--dry-run"], []], ids=["dry run", "not logged in"])
def test_what_would_be_made_is_written_down(
    login: Login, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    login(bool(options))
    out = tmp_path / "figures" / "dashboard.json"
    assert workspace.main(["--entity", "someone", "--out", str(out), *options]) == 0
    assert set(json.loads(out.read_text(encoding="utf-8"))) == {"workspace", "report"}
    assert ("wandb login" in capsys.readouterr().err) == (not options)


def test_a_refusal_of_the_server_is_one_line(
    login: Login, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import wandb_workspaces.workspaces as workspaces

    def refuse(_: Any) -> None:
        raise RuntimeError("no such entity")

    login(True)
    monkeypatch.setattr(workspaces.Workspace, "save", refuse)
    assert workspace.main(["--entity", "someone"]) == 2
    assert capsys.readouterr().err.startswith("error: W&B did not take the dashboard (no such entity)")


def test_without_the_library_the_cure_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    assert workspace.main(["--entity", "someone"]) == 2
    assert "ecgmm[dashboard]" in capsys.readouterr().err
