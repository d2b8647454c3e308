"""An interrupted run that was moved or damaged: it ends with the bytes of an uninterrupted one, or with a sentence."""

import io
import json
import os
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ecgmm.runs.checkpoints import is_sound, read_checkpoint
from ecgmm.training.task import DiagnosisTask
from tests.conftest import start

Command = Callable[..., int]
SAME = ("metrics.json", "history.csv", "model/model.safetensors")
EPOCHS = 4


class Scores:
    """Validation AUROC of each epoch, as the checkpoints are to see it: the second epoch is the best."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = DiagnosisTask.log_dict
        values = dict(enumerate([0.5, 0.9, 0.6, 0.7]))

        def log(task: DiagnosisTask, numbers: dict[str, Any], *more: Any, **settings: Any) -> None:
            if "val/auroc_macro" in numbers:
                numbers = numbers | {"val/auroc_macro": values[task.current_epoch]}
            original(task, numbers, *more, **settings)

        monkeypatch.setattr(DiagnosisTask, "log_dict", log)


def settings_of(quick_settings: list[str]) -> list[str]:
    return [*quick_settings, f"trainer.max_epochs={EPOCHS}", "method=ecg_only"]


@pytest.fixture
def train(command: Command, quick_settings: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    Scores(monkeypatch)

    def run(directory: Path, *more: str) -> int:
        return command("train", *settings_of(quick_settings), *more, f"hydra.run.dir={directory}")

    return run


@pytest.fixture(scope="module")
def made(quick_settings: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run (``whole``), whose second epoch is the best, and the same, stopped in its third (``run``)."""
    folder = tmp_path_factory.mktemp("made")
    settings = settings_of(quick_settings)
    original = DiagnosisTask.training_step

    def stopping(task: DiagnosisTask, *arguments: Any) -> torch.Tensor:
        if task.current_epoch == 2:
            raise RuntimeError("power failure")
        return original(task, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        Scores(patch)
        assert start("train", *settings, "keep_checkpoints=true", f"hydra.run.dir={folder}/whole") == 0
        assert torch.load(folder / "whole/checkpoints/best.ckpt", weights_only=True)["epoch"] == 1
        patch.setattr(DiagnosisTask, "training_step", stopping)
        with pytest.raises(RuntimeError, match="power failure"):
            start("train", *settings, f"hydra.run.dir={folder}/run")
    return folder


@pytest.fixture
def whole(made: Path) -> Path:
    """The uninterrupted run; nobody changes it."""
    return made / "whole"


@pytest.fixture
def interrupted(made: Path, tmp_path: Path) -> Path:
    """A copy of the stopped run to change."""
    return shutil.copytree(made / "run", tmp_path / "run")


def assert_same(run: Path, other: Path) -> None:
    for name in SAME:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name


def copies(run: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(run, run.parent / name))


def evil(path: Path) -> None:
    """A pickle that would make a file."""

    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {path.parents[2]}/marker",)

    torch.save(Runs(), path)


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = torch.load(path, weights_only=True)
        change(content)
        torch.save(content, path)

    return damage


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    for place in range(middle, middle + 300):  # longer than the padding between two tensors
        content[place] ^= 0x40
    path.write_bytes(content)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def linked(path: Path) -> None:
    elsewhere = path.rename(path.parents[2] / f"elsewhere-{path.parents[1].name}")
    path.symlink_to(elsewhere)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "flipped": flip,
    "raw pickle": lambda path: path.write_bytes(pickle.dumps(print)),
    "evil": evil,
}


def test_a_moved_run_goes_on_to_the_same_end(train: Callable[..., int], whole: Path, interrupted: Path) -> None:
    moved = interrupted.rename(interrupted.parent / "moved")
    assert train(moved) == 0
    assert_same(moved, whole)


@pytest.mark.slow
def test_a_moved_or_damaged_run_goes_on_to_the_same_end(
    train: Callable[..., int], whole: Path, interrupted: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = copies(interrupted)
    moved = copy("moved")
    assert train(moved) == 0
    assert_same(moved, whole)
    for name, damage in DAMAGES.items():
        run = copy(name.replace(" ", "-"))
        damage(run / "checkpoints" / "last.ckpt")
        capfd.readouterr()
        assert train(run) == 0, name
        assert "going on from the best epoch" in capfd.readouterr().err, name
        assert_same(run, whole)
        assert not (run.parent / "marker").exists()
    with_old_paths = copy("old-paths")
    last = with_old_paths / "checkpoints" / "last.ckpt"
    changed(_as_lightning_saves_it)(last)
    assert train(with_old_paths) == 0
    assert_same(with_old_paths, whole)


def _as_lightning_saves_it(checkpoint: dict[str, Any]) -> None:
    """Paths of the folder that the run was in, and no word of the best epoch."""
    for state in checkpoint["callbacks"].values():
        if "best_model_path" in state:
            del state["best_epoch"]
            state["dirpath"] = "/home/somebody/run/checkpoints"
            for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
                state[name] = state[name] and f"/home/somebody/run/checkpoints/{state[name]}"
            state["best_k_models"] = {f"/home/somebody/{name}": v for name, v in state["best_k_models"].items()}


def test_a_checkpoint_with_a_flipped_bit_is_damaged_or_holds_the_same(interrupted: Path) -> None:
    path = interrupted / "checkpoints" / "last.ckpt"
    sound, rng = path.read_bytes(), random.Random(0)
    right = saved_again(read_checkpoint(path))
    noticed = 0
    for _ in range(60):
        flipped = bytearray(sound)
        flipped[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        if is_sound(path):
            assert saved_again(read_checkpoint(path)) == right
        else:
            noticed += 1
    assert noticed > 30


def saved_again(content: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.slow
def test_what_cannot_be_gone_on_from_is_said_and_made_again_when_asked(
    train: Callable[..., int], whole: Path, interrupted: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = copies(interrupted)

    def refused(run: Path, file: str) -> None:
        capfd.readouterr()
        assert train(run) == 2
        err = capfd.readouterr().err
        assert "Traceback" not in err
        assert f"{file}" in err
        assert "overwrite=true" in err or "put the file itself there" in err
        assert not (run.parent / "marker").exists()

    for name, damage in DAMAGES.items():
        run = copy(f"best-{name}".replace(" ", "-"))
        damage(run / "checkpoints" / "best.ckpt")
        refused(run, "best.ckpt")
    both = copy("both")
    for name in ("last.ckpt", "best.ckpt"):
        flip(both / "checkpoints" / name)
    refused(both, "last.ckpt")
    assert train(both, "overwrite=true") == 0
    assert_same(both, whole)
    strange: dict[str, Callable[[Path], None]] = {
        "fifo": fifo,
        "tensor": changed(lambda content: content["state_dict"].popitem()),
        "inside": changed(lambda content: content.pop("inside_epoch")),
        "loops": changed(lambda content: content.update(loops={})),
        "callbacks": changed(lambda content: content.update(callbacks={"ModelCheckpoint{}": 1})),
        "optimizer": changed(lambda content: content.update(optimizer_states=[])),
        "link": linked,
    }
    for name, damage in strange.items():
        run = copy(name)
        damage(run / "checkpoints" / "last.ckpt")
        refused(run, "last.ckpt")


def test_weights_of_another_epoch_are_never_tested(
    train: Callable[..., int], interrupted: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    best = interrupted / "checkpoints" / "best.ckpt"
    original = DiagnosisTask.training_step

    def exchanging(task: DiagnosisTask, *arguments: Any) -> torch.Tensor:
        if task.current_epoch == EPOCHS - 1:  # another process, or a hand, puts another file there
            changed(lambda content: content.update(epoch=0))(best)
        return original(task, *arguments)

    monkeypatch.setattr(DiagnosisTask, "training_step", exchanging)
    assert train(interrupted) == 2
    assert "best.ckpt is not of this run" in capfd.readouterr().err
    assert not (interrupted / "metrics.json").exists()
    assert json.loads((interrupted / "run.json").read_text())["finished"] is False
