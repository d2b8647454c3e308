"""The command: a store and a table, or one sentence and exit code 2."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.trees import write_ptb_xl

ARGUMENTS = ("prepare", "data=ptb_xl", "data.rate_hz=100")


@pytest.mark.slow
def test_the_command_prepares_counts_and_leaves_nothing_else(
    command: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_ptb_xl(tmp_path / "tree", rate_hz=100)
    assert command(*ARGUMENTS, "data.root=tree") == 0
    printed = capsys.readouterr().out
    assert "kept" in printed
    assert "is complete" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stores", "tree"]


def test_a_mistake_is_one_sentence_and_code_2(
    command: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(*ARGUMENTS, "data.root=nowhere") == 2
    printed = capsys.readouterr().err
    message = printed.splitlines()[-1]
    assert message.startswith("error: ")
    assert "is not a folder; set data.root" in message
    assert "Traceback" not in printed
    assert not list(tmp_path.rglob("*.*"))
