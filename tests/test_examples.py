"""The examples run from beginning to end, as a reader would run them, and use nothing but the front door."""

import ast
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.warm import WarmProcess

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
FLOORS = {"ecgmm", "ecgmm.disturbing.suite", "ecgmm.reporting.robustness"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: stores and runs that are there are opened."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmProcess]:
    with closing(WarmProcess(os.environ)) as process:
        yield process


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(script: Path, folder: Path, warm: WarmProcess) -> None:
    done = warm.run(str(script), [], folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_that_its_data_are_synthetic_and_uses_the_front_door(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    assert "SYNTHETIC" in (ast.get_docstring(tree) or "")
    plain = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    parts = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in plain | parts if name.partition(".")[0] == "ecgmm"} <= FLOORS


def test_there_are_four_and_the_list_names_each() -> None:
    listed = (EXAMPLES[0].parent / "README.md").read_text(encoding="utf-8")
    assert len(EXAMPLES) >= 4
    assert all(f"`{script.name}`" in listed for script in EXAMPLES)
