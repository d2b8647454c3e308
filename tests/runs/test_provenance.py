"""A commit is recorded where it is the product's own, and nowhere else."""

import os
import subprocess
from pathlib import Path

import pytest

import ecgmm
from ecgmm.runs.provenance import commit_of, environment


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    found = subprocess.run(
        ["git", "-C", str(folder), *settings, *arguments], capture_output=True, text=True, check=True, env=surroundings
    )
    return found.stdout.strip()


def checkout(root: Path, project: str = "ecgmm") -> Path:
    """A repository with a package and its project file; returns the package's ``__init__.py``."""
    package = root / "ecgmm" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("")
    (root / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a")
    return package


def test_in_a_checkout_it_is_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = checkout(tmp_path)
    commit = git(tmp_path, "rev-parse", "HEAD")[:12]
    assert commit_of(package) == commit
    package.write_text("changed = True\n")
    assert commit_of(package) == f"{commit}-dirty"
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # as in a hook of another repository
    assert commit_of(package) == f"{commit}-dirty"


def test_installed_in_somebodys_repository_there_is_none(tmp_path: Path) -> None:
    checkout(tmp_path, project="thesis")
    installed = tmp_path / ".venv" / "lib" / "site-packages" / "ecgmm" / "__init__.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    assert commit_of(installed) is None
    (installed.parents[1] / "pyproject.toml").write_text('[project]\nname = "ecgmm"\n')  # a copy in their repository
    assert commit_of(installed) is None


@pytest.mark.parametrize(
    "content", ["", "[project", "[project]\n", '[project]\nname = "other"\n', "project = 1\n", "\0"]
)
def test_a_project_of_another_name_is_not_ours(tmp_path: Path, content: str) -> None:
    package = checkout(tmp_path)
    (tmp_path / "pyproject.toml").write_text(content)
    assert commit_of(package) is None


def test_a_package_that_the_repository_does_not_track_is_not_ours(tmp_path: Path) -> None:
    package = checkout(tmp_path)
    git(tmp_path, "rm", "-q", "--cached", str(package))
    assert commit_of(package) is None


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = checkout(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(package) is None


def test_the_version_is_recorded() -> None:
    assert environment().versions["ecgmm"] == ecgmm.__version__
