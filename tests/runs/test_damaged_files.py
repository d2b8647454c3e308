"""A file of a run that is damaged, missing or of another kind: a sentence, or the same answer; never another one."""

import os
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from tests.runs.commands import COMMANDS
from tests.runs.conftest import Outcome
from tests.runs.faults import FAULTS, FILES

HARMFUL = re.compile(r"\b(remove|delete|rm|sudo|chmod)\b")
ALL = [(command, file, fault) for command in COMMANDS for file in FILES for fault in FAULTS]
# Commands that draw, train or predict take half a second and more: each of them meets every file and every fault, and
# a third of the pairs, so that three of them meet each pair; of those that build a model to train it, a ninth.
DEAREST = ("plan", "train")
DEAR = (
    *DEAREST,
    "evaluate",
    "predict",
    *(f"experiments.{name}" for name in ("figure1", "figure2", "gates", "reliability", "report", "subgroups")),
    *(f"experiments.{name}" for name in ("roc", "confusion", "per_class", "participants", "training_curves")),
    "experiments.decision_curves",
)
# The quick ones read all files but two; the whole walk is slow.
FEW = random.Random(0).sample([case for case in ALL if case[0] in ("predict", "experiments.table2", "train")], 18)


@pytest.fixture
def check(
    outcome: Callable[..., Outcome],
    run: Path,
    store_path: Path,
    run_settings: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[Sequence[tuple[str, str, str]]], None]:
    """Try cases one after the other, each on a run as sound as the one before was."""
    monkeypatch.chdir(tmp_path)
    sound: dict[str, Outcome] = {}

    def started(name: str) -> Outcome:
        if name == "plan":  # finds the run by the name of its folder
            monkeypatch.setattr("ecgmm.settings.resolvers.run_name", lambda overrides: run.name)
        code, out, err = outcome(name, *COMMANDS[name](run, store_path, run_settings))
        varying = ("min", "Predicting", "disk")  # what a plan takes and what is free, and a progress bar
        return code, "\n".join(line for line in out.splitlines() if not any(word in line for word in varying)), err

    def tried(cases: Sequence[tuple[str, str, str]]) -> None:
        for name, file, fault in cases:
            if name not in sound:
                sound[name] = started(name)
            path, place = run / file, f"{name}, {file} {fault}"
            kept = path.read_bytes()
            FAULTS[fault](path)
            with monkeypatch.context() as patch:
                patch.setattr(Figure, "savefig", undrawn)
                if fault == "unreadable":
                    patch.setattr(os, "open", refusing(path))
                code, out, err = started(name)
            assert code in (0, 2), place
            assert "Traceback" not in err + out, place
            if code == 0:
                assert out == sound[name][1] or name == "experiments.report", place
            else:
                errors = [line for line in err.splitlines() if line.startswith("error: ")]
                assert len(errors) == 1, (place, err)
                assert not HARMFUL.search(errors[0]), (place, err)
            restore(path, kept)

    return tried


def refusing(path: Path) -> Callable[..., int]:
    """``os.open`` as a user without the right to read the file has it."""
    original = os.open

    def opened(name: Any, flags: int, *more: Any, **settings: Any) -> int:
        if str(name) == str(path):
            raise PermissionError(13, "Permission denied", str(name))
        return original(name, flags, *more, **settings)

    return opened


def undrawn(figure: Figure, file: Any, **how: Any) -> None:
    """Save a figure without drawing it, which takes most of a command: what is compared is what was printed."""
    if isinstance(file, Path):
        file.touch()
    else:
        file.write("<svg" if how["format"] == "svg" else b"")


def restore(path: Path, content: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    elif path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(content)


def test_a_sample_of_commands_files_and_faults(check: Callable[..., None]) -> None:
    check(FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_with_every_file_and_fault(check: Callable[..., None], name: str) -> None:
    cases = [case for case in ALL if case[0] == name]
    if name in DEAR:
        pairs = [(file, fault) for file in range(len(FILES)) for fault in range(len(FAULTS))]
        one_of = 9 if name in DEAREST else 3
        cases = [case for case, pair in zip(cases, pairs, strict=True) if (sum(pair) + DEAR.index(name)) % one_of == 0]
        assert ({file for _, file, _ in cases}, {fault for *_, fault in cases}) == ({*FILES}, {*FAULTS})
    check(cases)
