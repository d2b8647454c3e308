"""The benchmark ends with the tree of the server, and sees files that are not."""

import json
from pathlib import Path

import pytest

from benchmarks.interrupted_download import compare, main


@pytest.mark.slow
def test_a_killed_download_ends_with_the_same_tree(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--kills", "2", "--patients", "4"]) == 0
    result = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert result["kills"] == 2
    assert result["files"] > 10
    assert result["different_at_the_end"] == []


def test_other_bytes_and_files_of_one_side_are_seen(tmp_path: Path) -> None:
    for side, names in (("source", "abc"), ("target", "bcd")):
        (tmp_path / side).mkdir()
        for name in names:
            (tmp_path / side / name).write_text(name if name == "b" else f"{name} of {side}")
    assert compare(tmp_path / "source", tmp_path / "target") == ["a", "c", "d"]
