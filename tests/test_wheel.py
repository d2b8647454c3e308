"""What is installed: one package with all that its commands need, which works outside a checkout."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="constraints-build.txt is not installed here")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.mark.slow
def test_the_wheel_holds_one_package_with_its_configuration(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(["git", "ls-files", "ecgmm", "conf"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = {name if name.startswith("ecgmm/") else f"ecgmm/{name}" for name in listed.stdout.splitlines()}
    assert names == files
    assert {"ecgmm/py.typed", "ecgmm/reporting/paper_table2.csv", "ecgmm/conf/train.yaml"} <= names


@pytest.mark.slow
def test_training_and_table_work_from_the_wheel_in_somebodys_repository(wheel: Path, tmp_path: Path) -> None:
    installed, here = tmp_path / "installed", tmp_path / "thesis"
    zipfile.ZipFile(wheel).extractall(installed)
    here.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=here, check=True)
    (here / "conf").mkdir()  # a folder of theirs, which is not ours
    surroundings = os.environ | {"PYTHONPATH": str(installed)}
    few = ["data.n_patients=150", "logger=none", "trainer.accelerator=cpu", "trainer.max_epochs=2"]
    train = ["train", "-m", "seed=1,2", "recipe=quick", *few]
    for command in (train, ["table2", "outputs", "--resamples", "100"]):
        start = "import sys; from ecgmm.__main__ import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", start, *command], cwd=here, env=surroundings, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert "| gated_fusion" in done.stdout
    facts = [json.loads(file.read_text()) for file in here.glob("outputs/train/*/run.json")]
    assert [one["commit"] for one in facts] == [None, None]
