"""The lists of packages are complete and hashed, their licences are told, and an audit that was none says so."""

import ast
import re
import sys
import tomllib
from collections import Counter
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from benchmarks.dependencies import LICENCES, LISTS, ROOT, main, normalised, pins, report

TORCH = "constraints-torch.txt"
OF_A_GPU = re.compile(r"(?:nvidia|cuda)-.*|triton")  # torch names them itself, exactly
PINS = {name: version for file in LISTS for name, version in pins(ROOT / file).items()}


def declared() -> set[str]:
    """Every dependency that pyproject.toml names, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [project["build-system"]["requires"], project["project"]["dependencies"]]
    lists += project["project"]["optional-dependencies"].values()
    return {normalised(Requirement(text).name) for texts in lists for text in texts} - {"ecgmm"}


def installed(requirement: Requirement, seen: set[tuple[str, frozenset[str]]]) -> None:
    """Collect what a requirement brings into this environment."""
    one = (normalised(requirement.name), frozenset(requirement.extras))
    if one in seen:
        return
    try:
        needed = [Requirement(text) for text in requires(requirement.name) or []]
    except PackageNotFoundError:
        return  # what this environment leaves out
    seen.add(one)
    for more in needed:
        if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in (*requirement.extras, "")):
            installed(more, seen)


def test_every_package_that_development_installs_is_pinned() -> None:
    seen: set[tuple[str, frozenset[str]]] = set()
    installed(Requirement("ecgmm[dev]"), seen)
    names = {name for name, _ in seen if not OF_A_GPU.fullmatch(name)} - {"ecgmm"}
    assert len(names) > 100
    assert names - PINS.keys() == set()


def test_every_package_that_is_imported_is_declared() -> None:
    trees = [ast.parse(path.read_bytes()) for path in (ROOT / "ecgmm").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"ecgmm"}
    owners, known = packages_distributions(), declared()
    missing = [name for name in packages if not {normalised(one) for one in owners.get(name, [name])} & known]
    assert len(packages) > 20
    assert missing == []


def test_every_dependency_is_pinned_within_its_bounds_and_once() -> None:
    assert declared() - PINS.keys() == set()
    assert {"numba", "llvmlite", "hatchling", "editables"} <= PINS.keys()
    times = Counter(name for file in LISTS for name in pins(ROOT / file))
    assert [name for name, n in times.items() if n > 1] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in map(Requirement, sum(project["optional-dependencies"].values(), project["dependencies"])):
        assert requirement.name == "ecgmm" or PINS[normalised(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("file", LISTS)
def test_every_pin_has_its_hashes_but_torch(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z])", text)
    without = [block.split("==")[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]
    assert [name for name in without if not name.startswith("#")] == (["torch"] if file == TORCH else [])
    assert re.search(r"://|--index|--find-links|file:|/\w+/", text) is None


def test_the_makefile_takes_nothing_without_a_hash_but_torch() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (locked,) = re.findall(r"^LOCKED := (.*)$", text, re.MULTILINE)
    assert {"--require-hashes", "--no-deps", "--no-build-isolation"} <= set(locked.split())
    made = text[text.index("$(VENV)/.base:") : text.index("setup:")]
    loose = [line.strip() for line in made.splitlines() if "pip install" in line]
    assert loose == [
        f"$(BIN)/pip install --quiet --no-compile -r {TORCH}",
        "$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .",
    ]


def test_licences_are_those_of_the_lists() -> None:
    listed = dict(re.findall(r"^\| (\S+) \| (\S+) \| .+ \|$", LICENCES.read_text(encoding="utf-8"), re.MULTILINE))
    assert declared() - listed.keys() == set()
    assert {name: version for name, version in listed.items() if name in PINS and PINS[name] != version} == {}
    assert "not stated" not in listed.values()


def package(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0"} | more


@pytest.mark.parametrize(
    ("packages", "code", "sentence"),
    [
        ([package("a", vulns=[])], 0, "1 packages audited, 0 with known vulnerabilities"),
        ([package("a", vulns=[{"id": "CVE-1"}]), package("b", vulns=[])], 1, "a 1.0: CVE-1"),
        ([package("a", skip_reason="not found"), package("b", vulns=[])], 2, "no advisory service answered for 1 of 2"),
    ],
)
def test_an_audit_that_was_none_is_no_success(
    packages: list[dict[str, Any]], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report({"dependencies": packages}) == code
    assert sentence in capsys.readouterr().out


def test_pip_audit_that_failed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path / "audit.json")]) == 2
    assert "nothing was audited" in capsys.readouterr().out
