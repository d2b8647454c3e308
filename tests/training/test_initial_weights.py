"""Runs that begin with given weights: what they take, what stays frozen, and which mistakes are named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import ecgmm
from ecgmm.errors import ConfigError, DataError
from ecgmm.interface.learning import _composed
from ecgmm.models.ecg_encoders.convolutional import Convolutional
from ecgmm.training.build import set_up
from ecgmm.training.task import DiagnosisTask
from tests.patience import HUNG_S

Command = Callable[..., int]
Weights = dict[str, Tensor]
SMALL = {
    "recipe": "quick",
    "trainer__accelerator": "cpu",
    "trainer__max_epochs": 1,
    "page": False,
    "trainer__enable_progress_bar": False,
    "ecg_encoder__channels": [8, 16],
    "ecg_encoder__dim": 16,
    "evaluation__n_resamples": 20,
}


@pytest.fixture(scope="module")
def source(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two towers."""
    directory = tmp_path_factory.mktemp("source") / "run"
    ecgmm.train(ecgmm.open_store(tiny_store), "gated_fusion", directory, **SMALL)
    return directory


@pytest.fixture
def train(command: Command, quick_settings: list[str], tmp_path: Path) -> Callable[..., Path]:
    """Train with overrides; returns the run directory."""

    def run(*overrides: str, name: str = "run", code: int = 0) -> Path:
        settings = ("method=ecg_only", "trainer.max_epochs=1", *overrides, f"hydra.run.dir={tmp_path / name}")
        assert command("train", *quick_settings, *settings) == code
        return tmp_path / name

    return run


def weights_of(run: Path) -> Weights:
    return load_file(run / "model" / "model.safetensors")


def facts_of(run: Path) -> dict[str, object]:
    facts: dict[str, object] = json.loads((run / "run.json").read_text())
    return facts


def assert_frozen(run: Path, source: Path, part: str = "ecg_encoder.") -> None:
    now, before = weights_of(run), weights_of(source)
    names = [name for name in now if name.startswith(part)]
    assert len(names) > 10
    assert all(torch.equal(now[name], before[name]) for name in names), "batch norms and their counters too"


def test_frozen_weights_are_those_of_the_source_after_training_and_the_rest_has_learnt(
    train: Callable[..., Path], source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(f"init.run={source}", "init.parts=[ecg_encoder]", "init.freeze=true", "keep_checkpoints=true")
    assert_frozen(run, source)
    facts = facts_of(run)
    init = facts["init"]
    assert isinstance(init, dict)
    assert (init["source"], init["name"], init["frozen"]) == ("run", "run", True)
    assert init["n_matched"] == len(init["matched"]) == len([name for name in weights_of(run) if "ecg" in name])
    assert (init["n_missing"], init["n_new"]) == (0, 0)
    assert "text_encoder.embedding.weight" in init["left_over"]
    assert str(source) not in json.dumps(facts)
    head = sum(weight.numel() for name, weight in weights_of(run).items() if name.startswith("head"))
    assert facts["n_trainable_parameters"] == head
    optimizer = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["optimizer_states"][0]
    assert [len(group["params"]) for group in optimizer["param_groups"]] == [2], "the head's weight and bias"
    printed = capsys.readouterr()
    assert "left over in the source" in printed.out + printed.err


def digest_of(tiny_store: Path, **settings: object) -> str:
    store = ecgmm.open_store(tiny_store)
    return set_up(_composed(store, {"method": "ecg_only", "logger": "none", **SMALL, **settings}), store).digest


def test_the_digest_is_of_the_content_of_the_source_wherever_it_lies(
    source: Path, tiny_store: Path, tmp_path: Path
) -> None:
    random = digest_of(tiny_store)
    assert random == digest_of(tiny_store, init__parts=["ecg_encoder"]), "no source: parts change nothing"
    file, moved = tmp_path / "weights.safetensors", tmp_path / "moved.safetensors"
    save_file(weights_of(source), file)
    digest = digest_of(tiny_store, init__weights=file)
    assert len({random, digest, digest_of(tiny_store, init__run=source)}) == 3
    assert digest != digest_of(tiny_store, init__weights=file, init__lr_scale=0.5)
    file.rename(moved)
    assert digest == digest_of(tiny_store, init__weights=moved)
    changed = weights_of(source)
    changed["ecg_encoder.pooling.linear.bias"] += 1
    save_file(changed, file)
    assert digest != digest_of(tiny_store, init__weights=file)


@pytest.mark.slow
def test_a_finished_run_is_known_by_the_content_of_its_source_and_predicts_without_it(
    train: Callable[..., Path], source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(weights_of(source), file)
    run = train(f"init.weights={file}", "init.parts=[ecg_encoder]")
    written = (run / "metrics.json").stat().st_mtime_ns
    train(f"init.weights={file}", "init.parts=[ecg_encoder]")
    assert (run / "metrics.json").stat().st_mtime_ns == written
    changed = weights_of(source)
    changed["ecg_encoder.pooling.linear.bias"] += 1
    save_file(changed, file)
    train(f"init.weights={file}", "init.parts=[ecg_encoder]", code=2)
    assert "another configuration" in capsys.readouterr().err
    file.unlink()
    millivolts = np.random.default_rng(0).normal(size=(12, 1000)).cumsum(axis=1) / 50  # white noise is refused
    assert ecgmm.load_run(run).predict(millivolts=millivolts, rate_hz=100).numbers


def test_a_torch_file_gives_what_the_run_gives_and_no_random_number_is_drawn(
    source: Path, tiny_store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "weights.pt"
    state = {f"module.{name}": weight for name, weight in weights_of(source).items()}
    torch.save({"state_dict": state, "epoch": 3}, file)
    store, parts = ecgmm.open_store(tiny_store), ["ecg_encoder"]
    of_file = ecgmm.build("ecg_only", store, **SMALL, init__weights=file, init__parts=parts)
    of_run = ecgmm.build("ecg_only", store, **SMALL, init__run=source, init__parts=parts)
    torch.testing.assert_close(of_file.state_dict(), of_run.state_dict(), rtol=0, atol=0)
    fresh = ecgmm.build("ecg_only", store, **SMALL)
    assert torch.equal(fresh.state_dict()["head.weight"], of_run.state_dict()["head.weight"]), "no number is drawn"
    assert of_file.given is not None
    assert of_file.given.prefix == "module."


MISTAKES: list[tuple[dict[str, object], str]] = [
    ({"run": "{source}", "weights": "x.pt"}, "init.weights is 'x.pt'; it must be null where init.run is given"),
    ({"freeze": True}, "init.freeze is true; it must be left as it is where neither"),
    ({"run": "{source}", "freeze": True, "lr": 1e-4}, "what is frozen does not learn"),
    ({"run": "{source}", "lr": 1e-4, "lr_scale": 0.1}, "init.lr_scale is 0.1; it must be null"),
    ({"run": "{tmp}"}, "holds no finished run"),
    ({"run": "{source}", "parts": ["ecg"]}, "init.parts names ecg, which is no part of the method; it has ecg_enc"),
    ({"run": "{source}", "parts": ["head"], "labels": "rhythm"}, "init.parts names head, for which no weight"),
    ({"run": "{source}", "ecg_encoder__channels": [8, 8]}, "16 x 8 x 1 x 5 in the given weights"),
    ({"run": "{source}", "freeze": True}, "leaves nothing to learn"),
    ({"run": "{source}", "method": "majority"}, "is solved at once"),
    ({"run": "{source}", "method": "text_only", "text__vocabulary": "closed"}, "another vocabulary"),
    ({"weights": "{tmp}/absent.pt"}, "cannot be read .No such file"),
    ({"weights": "{tmp}/other.safetensors"}, "no given weight has a name of the method .they begin with zzz"),
]


@pytest.mark.parametrize(("settings", "words"), MISTAKES, ids=[words[:30] for _, words in MISTAKES])
def test_mistakes_are_one_sentence(
    source: Path,
    tiny_store: Path,
    tmp_path: Path,
    settings: dict[str, object],
    words: str,
) -> None:
    save_file({"zzz\x1b[2J": torch.zeros(2)}, tmp_path / "other.safetensors")
    own = ("run", "weights", "parts", "freeze", "lr", "lr_scale")
    given = {
        f"init__{name}" if name in own else name: value.format(source=source, tmp=tmp_path)
        if isinstance(value, str)
        else value
        for name, value in settings.items()
    }
    method = str(given.pop("method", "ecg_only"))
    with pytest.raises((ConfigError, DataError), match=words) as caught:
        ecgmm.build(method, ecgmm.open_store(tiny_store), **{**SMALL, **given})
    assert str(caught.value).isprintable()


def test_a_head_of_other_classes_stays_new_and_is_said(
    source: Path, tiny_store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "ecgmm"):
        method = ecgmm.build(
            "ecg_only", ecgmm.open_store(tiny_store), **{**SMALL, "init__run": source, "labels": "rhythm"}
        )
    assert method.given is not None
    assert method.given.new == ("head.weight", "head.bias")
    assert "head.weight" in method.given.left_over
    assert "of other classes or findings, new here: 2" in caplog.text


def test_learning_rates_of_layers_fall_towards_the_input_and_the_head_keeps_its_own(
    source: Path, tiny_store: Path
) -> None:
    store, rates = ecgmm.open_store(tiny_store), {"init__lr_scale": 0.5, "init__layer_decay": 0.1}
    given = {"init__run": source, "init__parts": ["ecg_encoder"], **rates}
    setup = set_up(_composed(store, {"method": "ecg_only", "logger": "none", **SMALL, **given}), store)
    task = setup.task_of(setup.fresh_method())
    groups = task.make_optimizer(task.parameters()).param_groups
    assert [(round(group["lr"], 9), len(group["params"])) for group in groups] == [
        (2e-3, 2),  # the head, first, since its rate is logged
        (1e-5, 3),  # a convolution and its norm
        (1e-4, 3),
        (1e-3, 2),  # pooling
    ]
    assert {group["weight_decay"] for group in groups} == {1e-2}


@pytest.mark.slow
def test_an_interruption_in_two_stages_changes_nothing_and_what_is_frozen_stays(
    train: Callable[..., Path], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["method=ecg_clip", "stages=two", "pretrain_epochs=1", f"init.run={source}"]
    settings += ("init.parts=[ecg_encoder]", "init.freeze=true", "checkpoint_minutes=0", "trainer.max_epochs=2")
    whole = train(*settings, name="whole")
    assert_frozen(whole, source)
    original, left = DiagnosisTask.training_step, [6]

    def stopping(*arguments: object) -> Tensor:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("power failure")
        return original(*arguments)  # type: ignore[arg-type]  # batch and its number, as Lightning passes them

    with monkeypatch.context() as patch:
        patch.setattr(DiagnosisTask, "training_step", stopping)
        with pytest.raises(RuntimeError, match="power failure"):
            train(*settings, name="stopped")
    resumed = train(*settings, name="stopped")
    for name in ("metrics.json", "history.csv", "model/model.safetensors"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_frozen_weights_stay_in_two_processes(
    source: Path, tiny_store: Path, quick_settings: list[str], tmp_path: Path
) -> None:
    settings = ["method=gated_fusion", "trainer.max_epochs=1", "trainer.devices=2", f"init.run={source}"]
    settings += ("init.parts=[ecg_encoder]", "init.freeze=true", f"hydra.run.dir={tmp_path}/run")
    done = subprocess.run(
        [sys.executable, "-m", "ecgmm.train", *quick_settings, *settings],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=HUNG_S,
    )
    assert done.returncode == 0, done.stderr
    assert_frozen(tmp_path / "run", source)


@pytest.mark.slow
def test_frozen_weights_stay_where_they_are_compiled(
    train: Callable[..., Path], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: original(module, backend="aot_eager"))
    settings = ("compile=true", "trainer.precision=32-true", "init.parts=[ecg_encoder]", "init.freeze=true")
    assert_frozen(train(f"init.run={source}", *settings), source)


def test_an_encoder_that_knows_its_published_names_translates_them(
    source: Path, tiny_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, own = tmp_path / "published.pth", "ecg_encoder."
    ours = {name.removeprefix(own): weight for name, weight in weights_of(source).items() if name.startswith(own)}
    torch.save({"model": {f"net.{name.upper()}": weight for name, weight in ours.items()}}, file)

    def published_names(encoder: object, state: Weights) -> Weights:
        if "NET" in str(list(state)).upper().replace("NETWORK", ""):
            raise ConfigError("the file is not of this encoder")
        return {name.lower(): weight for name, weight in state.items()}

    monkeypatch.setattr(Convolutional, "published_names", published_names, raising=False)
    store = ecgmm.open_store(tiny_store)
    method = ecgmm.build("gated_fusion", store, **SMALL, init__weights=file, init__prefix="net.", init__freeze=True)
    for name, weight in ours.items():
        assert torch.equal(method.state_dict()[own + name], weight)
    assert not method.get_submodule("ecg_encoder").training
    with pytest.raises(ConfigError, match="not of this encoder"):
        ecgmm.build("gated_fusion", store, **SMALL, init__weights=file)
