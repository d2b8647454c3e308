"""W&B gets what a run directory holds, and whatever happens to it, training goes on."""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from ecgmm.console.ending import Stopped
from ecgmm.dashboard import content as dashboard_content
from ecgmm.dashboard.content import shown_settings
from ecgmm.dashboard.dashboard import Dashboard, open_dashboard
from ecgmm.dashboard.destination import Results
from ecgmm.runs.directory import without_folders
from ecgmm.runs.facts import RunDescription
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.run import Run
from ecgmm.settings.lookup import form_of, known_keys
from tests.dashboard.wandb_files import key_of, records
from tests.reporting.simulated_runs import CLASSES, write_run
from tests.runs.described import described, done

CONFIG: dict[str, Any] = {
    "name": "sweep",
    "paths": {"raw": "/home/me/raw"},
    "logger": {
        "kind": "wandb",
        "mode": "offline",
        "project": "ecgmm",
        "start_timeout_s": 1,
        "finish_timeout_s": 9,
        "artifacts": True,
    },
    "data": {"name": "mimic_iv_ecg", "root": "/home/me/mimic", "icd": {"csv": "/home/me/icd.csv", "min_records": 50}},
    "method": {"text_encoder": {"name_or_path": "/home/me/weights/bert"}, "dim": 8},
    "pretrained": {"name_or_path": "emilyalsentzer/Bio_ClinicalBERT"},
}
DESCRIPTION = described()
ENVIRONMENT = ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_ARTIFACT_DIR")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "")  # put back after the test


class FakeWandb(SimpleNamespace):
    """A wandb module and its run; ``fails`` names the calls that raise."""

    def __init__(self, *fails: str) -> None:
        self.calls: list[tuple[str, Any]] = []
        for name in ("init", "login", "teardown"):
            setattr(self, name, self._call(name, *fails))
        self.run = SimpleNamespace(id="run", define_metric=lambda *_, **__: None)
        self.run.log, self.run.finish = self._call("log", *fails), self._call("finish", *fails)
        self.Settings = SimpleNamespace

    def _call(self, name: str, *fails: str) -> Callable[..., Any]:
        def called(*values: Any, **settings: Any) -> Any:
            self.calls.append((name, values[0] if values else settings))
            if name in fails or f"{name} {settings.get('mode')}" in fails:
                raise ConnectionError(f"{name} is down\nand more")
            return self.run

        return called

    def named(self, name: str) -> list[Any]:
        return [value for called, value in self.calls if called == name]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeWandb]:
    def install(*fails: str) -> FakeWandb:
        module = FakeWandb(*fails)
        monkeypatch.setitem(sys.modules, "wandb", module)
        return module

    return install


def opened(directory: Path, mode: str = "offline", description: RunDescription = DESCRIPTION) -> Dashboard:
    logger = {**CONFIG["logger"], "mode": mode}
    return open_dashboard(directory, logger, CONFIG["name"], shown_settings(CONFIG), description)


def one_run(directory: Path, mode: str = "offline", description: RunDescription = DESCRIPTION) -> None:
    """Open, log two steps and close."""
    directory.mkdir(exist_ok=True, parents=True)
    with opened(directory, mode, description) as dashboard:
        dashboard.log_metrics({"train/loss_total": 1.0}, step=1)
        dashboard.log_metrics({"train/loss_total": 0.5}, step=2)


def test_method_data_recipe_and_marks_are_tags(fake: Callable[..., FakeWandb], tmp_path: Path) -> None:
    wandb = fake()
    one_run(tmp_path / "run", description=described(leaky=True))
    simulated_data = {"name": "synthetic", "fingerprint": "ab", "synthetic": True}
    one_run(tmp_path / "run", description=described(data=simulated_data))
    assert [call["tags"] for call in wandb.named("init")] == [
        ["concat", "mimic_iv_ecg", "quick", "leaky"],
        ["concat", "synthetic", "quick"],
    ]
    assert [call["group"] for call in wandb.named("init")] == ["sweep", "sweep"]


def test_paths_of_this_machine_stay_here(fake: Callable[..., FakeWandb], tmp_path: Path) -> None:
    wandb = fake()
    one_run(tmp_path / "run")
    config = wandb.named("init")[0]["config"]
    assert "/home/me" not in str(config)
    assert config["method"] == {"text_encoder": {"name_or_path": "bert"}, "dim": 8}
    assert config["data"] == {"name": "mimic_iv_ecg", "icd": {"min_records": 50}}
    assert config["pretrained"] == CONFIG["pretrained"]
    assert config["facts"]["method"] == "concat"


def test_a_folder_that_is_given_relative_is_only_its_last_part_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("of_someone/bert").mkdir(parents=True)
    long = "a reference/" + "x" * 500
    assert without_folders(["of_someone/bert", "~/x/bert", "hub/bert", long]) == [
        "bert",
        "bert",
        "hub/bert",
        long,
    ]


def test_a_resumed_run_is_the_same_wandb_run(fake: Callable[..., FakeWandb], tmp_path: Path) -> None:
    wandb = fake()
    for name in ("run", "run", "other"):
        one_run(tmp_path / name)
    ids = [call["id"] for call in wandb.named("init")]
    assert ids[0] == ids[1] != ids[2]


def test_no_wandb_at_all_where_it_is_disabled(fake: Callable[..., FakeWandb], tmp_path: Path) -> None:
    wandb = fake()
    one_run(tmp_path, mode="disabled")
    assert wandb.calls == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_ends_in_an_error_is_marked_failed(fake: Callable[..., FakeWandb], tmp_path: Path) -> None:
    wandb = fake()
    with pytest.raises(KeyboardInterrupt), opened(tmp_path):
        raise KeyboardInterrupt
    one_run(tmp_path)
    assert wandb.named("finish") == [{"exit_code": 1}, {"exit_code": 0}]


def test_without_wandb_installed_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    one_run(tmp_path)
    assert len(caplog.messages) == 1
    assert "goes on without it" in caplog.messages[0]


def test_a_folder_that_cannot_be_made_ends_the_logging_only(
    fake: Callable[..., FakeWandb], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "wandb").touch()
    one_run(tmp_path / "run")
    assert len(caplog.messages) == 1
    assert "goes on without it" in caplog.messages[0]


@pytest.mark.slow
def test_a_signal_does_not_wait_for_the_network(fake: Callable[..., FakeWandb], tmp_path: Path) -> None:
    fake()
    dashboard = opened(tmp_path)
    dashboard._longest_wait_s = 60
    dashboard.send(lambda _: time.sleep(60))
    started = time.monotonic()
    dashboard.__exit__(Stopped, Stopped(signal.SIGTERM), None)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("failing", ["init", "log", "finish"])
def test_a_failure_is_said_once_and_ends_the_logging(
    fake: Callable[..., FakeWandb], tmp_path: Path, caplog: pytest.LogCaptureFixture, failing: str
) -> None:
    wandb = fake(failing)
    one_run(tmp_path)
    assert caplog.messages == [f"W&B failed (ConnectionError: {failing} is down); the run goes on without it"]
    assert len(wandb.named("log")) == {"init": 0, "log": 1, "finish": 2}[failing]


def test_a_server_that_refuses_leaves_the_run_offline(
    fake: Callable[..., FakeWandb], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wandb = fake("init online")
    one_run(tmp_path, mode="online")
    assert [call["mode"] for call in wandb.named("init")] == ["online", "offline"]
    assert len(wandb.named("log")) == 2
    assert len(caplog.messages) == 1
    assert "wandb sync" in caplog.messages[0]


def test_a_wandb_that_hangs_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    release, started = threading.Event(), time.monotonic()
    never: Any = release.wait
    with Dashboard(start=never, longest_wait_s=0.2) as dashboard:
        for step in range(1000):
            dashboard.log_metrics({"train/loss_total": 1.0}, step)
    assert time.monotonic() - started < 2
    assert len(caplog.messages) == 1
    release.set()
    assert dashboard._thread is not None
    dashboard._thread.join(60)  # what it says now would else reach the log of another test, or none


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    kept.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


@pytest.mark.slow
def test_a_server_that_never_answers_costs_its_timeout_and_the_run_is_kept(
    silent_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import wandb

    one_run(tmp_path / "first")  # W&B's own program starts much faster the second time
    monkeypatch.setenv("WANDB_BASE_URL", silent_server)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("WANDB_MODE")
    wandb.teardown()  # settings are read from the environment once
    started = time.monotonic()
    one_run(tmp_path, mode="auto")
    assert time.monotonic() - started < 15
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("ecgmm.dashboard")]
    assert len(messages) == 1
    assert "wandb sync" in messages[0]
    wandb.teardown()  # waits for its own program, which writes the file
    (kept,) = (tmp_path / "wandb").glob("offline-run-*")
    logged = [record.history for record in records(kept) if record.HasField("history")]
    assert [
        json.loads(item.value_json) for row in logged for item in row.item if key_of(item).startswith("train/")
    ] == [
        1.0,
        0.5,
    ]


def test_all_that_wandb_writes_is_in_the_run_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path("home").mkdir()
    one_run(tmp_path / "run")
    assert {path.name for path in tmp_path.iterdir()} == {"home", "run"}
    assert list(Path("home").iterdir()) == []
    assert Path(os.environ["WANDB_CACHE_DIR"]).is_relative_to(tmp_path / "run")


def simulated(folder: Path, **changed: Any) -> tuple[pl.DataFrame, Metrics]:
    """Predictions and metrics of a simulated run with a gate."""
    run = write_run(folder, "gated_fusion", 42, **changed)
    frame = pl.read_parquet(run / "predictions.parquet").with_columns(pl.lit(0.25, pl.Float32).alias("gate"))
    return frame, Run.open(run).metrics


def test_the_summary_has_the_keys_of_metrics_json_with_their_intervals(tmp_path: Path) -> None:
    frame, measured = simulated(tmp_path / "run", readouts=("report",))
    found, metrics = dashboard_content.summary(frame, measured), measured.plain()
    for key, entry in metrics.items():
        if key.startswith("test/"):
            assert [found[key], found[f"{key}.low"], found[f"{key}.high"]] == list(entry.values())
    assert found["report/test/auroc/MI"] == metrics["readouts"]["report"]["test/auroc/MI"]["value"]
    assert found["test/n_records"] == metrics["n_records"]
    assert (found["test/gate_mean"], found["test/gate_sd"]) == (0.25, 0)


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_tables_hold_every_number_of_metrics_json(tmp_path: Path, task: str) -> None:
    _, measured = simulated(tmp_path / "run", task=task)
    tables, metrics = dashboard_content.tables(measured), measured.plain()
    assert all(len(row) == len(columns) for columns, rows in tables.values() for row in rows)
    assert len(tables["test/metrics"][1]) == sum("value" in entry for entry in metrics.values() if type(entry) is dict)
    assert [row[1] for row in tables["test/per_class"][1]] == CLASSES
    rows = tables["test/confusion"][1]
    each = [sum(row[-1] for row in rows)] if task == "single_label" else [sum(row[2:]) for row in rows]
    assert set(each) == {metrics["n_records"]}


def test_pictures_are_those_of_the_run_but_for_what_loggers_draw_themselves(
    tmp_path: Path,
) -> None:
    files = {name: tmp_path / f"{name}.png" for name in ("training", "curves", "confusion_matrix", "gate")}
    assert dashboard_content.sent_figures(files) == {
        f"test/{name}": files[name] for name in ("curves", "confusion_matrix", "gate")
    }


def test_no_artifact_tells_where_the_run_directory_lies(
    fake: Callable[..., FakeWandb], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame, metrics = simulated(tmp_path / "run")
    wandb = fake()
    wandb.run.config = wandb.run.summary = SimpleNamespace(update=lambda *_, **__: None)
    with opened(tmp_path / "run") as dashboard:
        results = Results(tmp_path / "run", frame, metrics, done(), {}, {})
        dashboard.send(lambda destination: destination.send_results(results))
    assert len(caplog.messages) == 1
    assert "no artifacts" in caplog.messages[0]


def test_a_manifest_is_sent_without_paths_and_names_of_files() -> None:
    manifest = {
        "source": {"name": "mimic_iv_ecg", "sha256": {"notes_of_smith.csv": "ff", "record_list.csv": "00"}},
        "parameters": {"root": "/home/me/mimic", "icd.csv": "smith.csv", "notes_csv": "smith.csv", "rate_hz": 100},
        "lead_std_mv": [0.1],
    }
    assert dashboard_content.shown_manifest(manifest) == {
        "source": {"name": "mimic_iv_ecg", "sha256": ["00", "ff"]},
        "parameters": {"rate_hz": 100},
        "lead_std_mv": [0.1],
    }


def test_no_path_of_any_setting_is_sent() -> None:
    keys = [key for key in known_keys("train") if form_of(key) == "path" and not key.endswith("name_or_path")]
    assert {"data.root", "data.table", "data.stores"} <= {*keys}
    settings: dict[str, Any] = {"seed": 42}
    for key in keys:
        *groups, last = key.split(".")
        node = settings
        for group in groups:
            node = node.setdefault(group, {})
        node[last] = "folder_of_smith/file"
    sent = shown_settings(settings)
    assert "smith" not in str(sent)
    assert sent["seed"] == 42
