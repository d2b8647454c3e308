"""The command: a store and a table, or one sentence and exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.trees import write_ptb_xl


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ecgmm.prepare", "data=ptb_xl", "data.rate_hz=100", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_prepares_counts_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", rate_hz=100)
    done = run(tmp_path, "data.root=tree")
    assert done.returncode == 0, done.stderr
    assert "kept" in done.stdout
    assert "is complete" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stores", "tree"]


def test_a_mistake_is_one_sentence_and_code_2(tmp_path: Path) -> None:
    done = run(tmp_path, "data.root=nowhere")
    assert done.returncode == 2
    message = done.stderr.splitlines()[-1]
    assert message.startswith("error: ")
    assert "is not a folder; set data.root" in message
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.*"))
