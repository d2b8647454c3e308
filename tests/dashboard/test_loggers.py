"""TensorBoard and MLflow get what W&B would get, under the same keys, and nothing of a patient.

One run learns from the tree with planted words of ``test_dashboard_privacy``; what it logged is searched as there, and
its results are sent again to MLflow's files and to a stand-in server.
"""

import io
import re
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from omegaconf import OmegaConf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ecgmm.dashboard import content as dashboard_content
from ecgmm.dashboard.dashboard import Dashboard, open_dashboard
from ecgmm.dashboard.destination import Results
from ecgmm.dashboard.tensorboard_files import FOLDER
from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.reporting.card import page
from ecgmm.reporting.model_card import card
from ecgmm.runs.run import Run
from ecgmm.settings import checked, compose, relations
from tests.conftest import start
from tests.dashboard.mlflow_server import mlflow_server
from tests.dashboard.test_dashboard_privacy import (
    DATA_FOLDER,
    FREQUENT,
    RUN_FOLDER,
    check,
    planted,
    with_texts,
)
from tests.runs.described import described

__all__ = ["planted"]  # a fixture

TENSORBOARD = {"kind": "tensorboard", "finish_timeout_s": 60}
MLFLOW = {"kind": "mlflow", "project": "ecgmm", "tracking_uri": None, "start_timeout_s": 5, "finish_timeout_s": 20}
DEAD = "http://127.0.0.1:9"


class Trained(NamedTuple):
    """A finished run with its store."""

    run: Run
    store: Store


@pytest.fixture(scope="module")
def trained(planted: Path, quick_settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run on the planted tree that logged to TensorBoard; nobody changes it."""
    directory = tmp_path_factory.mktemp("runs") / RUN_FOLDER / "run"
    kept = [text for text in quick_settings if not text.startswith(("paths.", "logger"))]
    places = [f"data.root={planted}/raw", f"paths.stores={planted}/stores", f"hydra.run.dir={directory}"]
    assert start("train", *kept, *places, "logger=tensorboard") == 0
    (store,) = (path for path in (planted / "stores").glob("synthetic-*") if path.suffix != ".labels")
    run = Run.open(directory)
    return Trained(run, Store.open(store))


def opened(directory: Path, run: Run, logger: Mapping[str, Any]) -> Dashboard:
    shown = dashboard_content.shown_settings(OmegaConf.to_container(run.config))  # type: ignore[arg-type]  # a dict
    return open_dashboard(directory, logger, "sweep", shown, run.facts)


def replayed(trained: Trained, directory: Path, logger: Mapping[str, Any]) -> None:
    """Send a finished run to a logger, as training does."""
    run, directory = trained.run, directory / RUN_FOLDER / "run"
    directory.mkdir(exist_ok=True, parents=True)
    with opened(directory, run, logger) as dashboard:
        for row in run.history.drop("epoch").iter_rows(named=True):
            dashboard.log_metrics(row, int(row["step"]))
        figures = {file.stem: file for file in (run.directory / "figures").glob("*.png")}
        results = Results(directory, run.predictions, run.metrics, run.facts, figures, trained.store.manifest)
        dashboard.send(lambda destination: destination.send_results(results))


def files_of(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return found | {f"name of {name}": name.encode() for name in found}


def private(sent: dict[str, bytes], store: Store) -> None:
    """Nothing of a patient, of the machine, or of its folders."""
    check(sent, store)
    assert with_texts(sent, [DATA_FOLDER, RUN_FOLDER, f'"{socket.gethostname()}"']) == []


def read_back(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0}).Reload()


def test_tensorboard_shows_what_the_run_directory_holds(trained: Trained) -> None:
    run = trained.run
    (file,) = (run.directory / FOLDER).iterdir()
    assert re.fullmatch(r"events\.out\.tfevents\.\d{17}\.ecgmm", file.name), "the machine is not in the name"
    shown = read_back(file.parent)
    assert {"test/curves", "test/confusion_matrix"} <= set(shown.Tags()["images"])
    (image,) = shown.Images("test/curves")
    with Image.open(io.BytesIO(image.encoded_image_string)) as picture:
        assert (image.width, image.height) == picture.size
    for key in ("test/auroc_macro", "test/auroc/NORM"):
        (event,) = shown.Scalars(key)
        assert event.value == pytest.approx(run.metrics[key].value, rel=1e-6)
    curve = [event.value for event in shown.Scalars("val/auroc_macro")]
    assert curve == pytest.approx(run.history["val/auroc_macro"].to_list(), rel=1e-6)
    (text,) = shown.Tensors("config/text_summary")
    assert b"batch_size: 32" in text.tensor_proto.string_val[0]


def test_nothing_of_a_patient_is_in_tensorboard(trained: Trained) -> None:
    vocabularies = b"".join(path.read_bytes() for path in (trained.run.directory / "model").rglob("*.json")).decode()
    assert all(word in vocabularies for word in FREQUENT), "the run must know what it must not tell"
    private(files_of(trained.run.directory / FOLDER), trained.store)


def test_nothing_of_a_patient_is_in_the_model_card(trained: Trained) -> None:
    private({"card.md": card(trained.run).encode(), "card.html": page(trained.run).encode()}, trained.store)


def test_a_resumed_run_goes_on_in_tensorboard_from_its_checkpoint(trained: Trained, tmp_path: Path) -> None:
    for steps, value in (((1, 2, 3), 1.0), ((3, 4), 2.0)):
        with opened(tmp_path, trained.run, TENSORBOARD) as dashboard:
            for step in steps:
                dashboard.log_metrics({"train/loss_total": value}, step)
    events = read_back(tmp_path / FOLDER).Scalars("train/loss_total")
    assert [(event.step, event.value) for event in events] == [(1, 1), (2, 1), (3, 2), (4, 2)]


def test_a_run_that_only_lacked_its_results_keeps_its_curve(trained: Trained, tmp_path: Path) -> None:
    run = trained.run
    with opened(tmp_path, run, TENSORBOARD) as dashboard:
        dashboard.log_metrics({"train/loss_total": 1.0}, 9)
    with opened(tmp_path, run, TENSORBOARD) as dashboard:
        results = Results(tmp_path, run.predictions, run.metrics, run.facts, {}, {})
        dashboard.send(lambda destination: destination.send_results(results))
    shown = read_back(tmp_path / FOLDER)
    assert [event.step for event in shown.Scalars("train/loss_total")] == [9]
    assert len(shown.Scalars("test/auroc_macro")) == 1


@pytest.mark.slow
def test_mlflow_files_hold_the_run_once_and_nothing_of_a_patient(trained: Trained, tmp_path: Path) -> None:
    with opened(tmp_path / RUN_FOLDER / "run", trained.run, MLFLOW) as dashboard:
        dashboard.log_metrics({"train/loss_total": 1.0}, 1)
    replayed(trained, tmp_path, MLFLOW)  # goes on with it
    folder = tmp_path / RUN_FOLDER / "run" / "mlflow"
    (metrics,) = folder.glob("*/*/metrics")
    value = trained.run.metrics["test/auroc_macro"].value
    assert float((metrics / "test" / "auroc_macro").read_text().split()[1]) == value
    assert (metrics.parent / "params" / "batch_size").read_text() == "32"
    assert "status: 3" in (metrics.parent / "meta.yaml").read_text(), "finished"
    assert {path.name for path in metrics.parent.rglob("*.png")} >= {"curves.png", "confusion_matrix.png"}
    sent = files_of(folder)
    for name in [name for name in sent if name.endswith("meta.yaml")]:  # MLflow asks for the place of artifacts there
        sent[name] = b"\n".join(line for line in sent[name].splitlines() if not line.startswith(b"artifact_"))
    private(sent, trained.store)


def test_a_server_of_mlflow_gets_the_numbers_and_nothing_of_a_patient(trained: Trained, tmp_path: Path) -> None:
    with mlflow_server() as (address, came):
        replayed(trained, tmp_path, {**MLFLOW, "tracking_uri": address})
    calls = [name.split("mlflow/")[-1] for name in came]
    assert {"runs/create", "runs/log-batch", "runs/update"} <= set(calls)
    assert [name for name in came if name.endswith("curves.png")]
    assert b'"test/auroc_macro"' in b"".join(came.values())
    private(came, trained.store)


def test_a_dead_server_is_said_once_and_holds_nothing_up(
    trained: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    replayed(trained, tmp_path, {**MLFLOW, "tracking_uri": DEAD})
    assert time.monotonic() - started < 10
    (message,) = caplog.messages
    assert message.startswith("MLflow failed (")
    assert message.endswith("; the run goes on without it")


@pytest.mark.slow
def test_a_run_finishes_with_a_dead_server(
    command: Callable[..., int], quick_settings: list[str], tiny_store: Path, tmp_path: Path
) -> None:
    settings = [text for text in quick_settings if not text.startswith("logger")]
    logger = ("logger=mlflow", f"logger.tracking_uri={DEAD}", f"hydra.run.dir={tmp_path}/run")
    assert command("train", *settings, *logger) == 0
    assert Run.open(tmp_path / "run").history.height == 2


@pytest.mark.parametrize("kind", ["tensorboard", "mlflow"])
def test_a_missing_extra_is_told_before_training(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    checked("train", compose("train", [f"logger={kind}"]))
    monkeypatch.setattr(relations, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=rf"pip install 'ecgmm\[{kind}\]'"):
        checked("train", compose("train", [f"logger={kind}"]))


@pytest.mark.parametrize(
    ("setting", "words"),
    [("logger.tracking_uri=http://me:secret@127.0.0.1", "without a password"), ("logger.project=null", "a name")],
)
def test_settings_that_do_not_fit_are_told_before_training(setting: str, words: str) -> None:
    """A password would be saved with the run."""
    with pytest.raises(ConfigError, match=words):
        checked("train", compose("train", ["logger=mlflow", setting]))


def test_names_of_the_users_own_classes_become_names_of_mlflow(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_dashboard(tmp_path, MLFLOW, "sweep", {}, described()) as dashboard:
        dashboard.log_metrics({"test/auroc/AV-Block (1°), 50 %": 0.5, "test/mcc": float("nan")}, 1)
    assert caplog.messages == []
    assert [path.name for path in tmp_path.glob("mlflow/*/*/metrics/test/auroc/*")] == ["AV-Block _1___ 50 _"]
    assert not list(tmp_path.glob("mlflow/*/*/metrics/test/mcc"))
