"""The examples of CONTRIBUTING.md: each patch applies to this tree, touches few files and brings a test that passes."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.documented import ROOT
from tests.warm import WarmProcess

PATCHES = ROOT / "examples" / "contributing"
MOST_FILES = {"data-set": 4, "encoder": 4, "method": 5, "label-set": 4, "metric": 3, "figure": 4}

every_patch = pytest.mark.parametrize("name", MOST_FILES)


def files_of(name: str) -> list[str]:
    """Paths that a patch adds, changes or removes."""
    text = (PATCHES / f"{name}.patch").read_text(encoding="utf-8")
    return sorted({path for pair in re.findall(r"^diff --git a/(\S+) b/(\S+)$", text, re.MULTILINE) for path in pair})


def test_there_is_an_example_of_each_kind_and_no_other() -> None:
    assert {path.stem for path in PATCHES.glob("*.patch")} == set(MOST_FILES)


def test_every_example_is_shown() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"examples/contributing/([\w-]+)\.patch", text) == list(MOST_FILES)


@every_patch
def test_an_example_touches_few_files_and_brings_its_test(name: str) -> None:
    files = files_of(name)
    assert len(files) <= MOST_FILES[name]
    assert [path for path in files if re.match(r"tests/.*test_\w+\.py$", path)]


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmProcess]:
    with closing(WarmProcess(os.environ)) as process:
        yield process


@pytest.mark.slow
@every_patch
def test_an_example_applies_and_its_test_passes(name: str, tmp_path: Path, warm: WarmProcess) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in listed.splitlines():
        if (ROOT / path).is_file():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, tmp_path / path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)  # else git finds the project's own repository
    patch = PATCHES / f"{name}.patch"
    done = subprocess.run(["git", "apply", str(patch)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tests = [path for path in files_of(name) if re.match(r"tests/.*test_\w+\.py$", path)]
    tested = warm.run("pytest", ["-q", "-p", "no:cacheprovider", *tests], tmp_path)
    assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-1000:]
