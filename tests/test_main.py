"""The console script: the list of commands, the start of each, what a mistyped name says, and tab completion."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecgmm.__main__ import commands, main, summary

ROOT = Path(__file__).parents[1]
SCRIPT = f"#!{sys.executable}\nfrom ecgmm.__main__ import main\nmain()\n"  # as pip writes it
COMPLETION = """
eval "$(ecgmm train -sc install=bash)"
for line in "$@"; do
  COMP_LINE="$line" COMP_WORDS=($line)
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  hydra_bash_completion
  echo "${COMPREPLY[@]}"
done
"""
COMPLETED = {
    "ecgmm tab": "table2 table3",
    "ecgmm train method=conc": "method=concat",
    "ecgmm plan +experiment=lam": "+experiment=lambda_sweep",
    "ecgmm evaluate outputs/a=1,b=2 spl": "split=",
    "ecgmm table2 out": "outputs",
}


def start(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a shell that knows ``ecgmm``."""
    script = folder / "ecgmm"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    surroundings = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=os.environ | surroundings, capture_output=True, text=True)


def test_the_list_names_each_command_once_and_imports_nothing(tmp_path: Path) -> None:
    done = start(tmp_path, sys.executable, "-X", "importtime", "-m", "ecgmm")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(commands())
    assert all(len(line) <= 100 and not line.endswith(".") for line in lines[2:])
    assert not {"torch", "polars", "hydra", "rich"} & {line.split("|")[-1].strip() for line in done.stderr.splitlines()}


def test_every_file_of_experiments_is_a_command_and_says_the_same() -> None:
    names = {path.stem for path in (ROOT / "experiments").glob("*.py")} - {"__init__"}
    modules = {name: module for name, module in commands().items() if module != f"ecgmm.{name}"}
    assert names == set(modules)
    for name in names:
        docstring = (ROOT / "experiments" / f"{name}.py").read_text().splitlines()[0]
        assert docstring.startswith(f'"""{summary(modules[name])}')


def test_every_entry_point_is_a_command() -> None:
    started = {path.stem for path in (ROOT / "ecgmm").glob("*.py") if "command_line.run(main)" in path.read_text()}
    assert started == {name for name, module in commands().items() if module == f"ecgmm.{name}"}


def test_the_list_is_printed_in_any_encoding_and_to_whoever_reads_it(tmp_path: Path) -> None:
    done = start(tmp_path, "bash", "-c", "set -o pipefail; PYTHONIOENCODING=ascii ecgmm | head -c 10000")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the study of the consistency weight \\u03bb" in done.stdout
    done = start(tmp_path, "bash", "-c", "ecgmm | true; exit ${PIPESTATUS[0]}")
    assert (done.returncode in (0, 141), done.stderr) == (True, "")


@pytest.mark.parametrize(
    ("name", "hint"), [("tran", "did you mean train?"), ("tabel2", "did you mean table2?"), ("xyzzy", "lists them")]
)
def test_a_mistyped_name_has_a_cure(
    name: str, hint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ecgmm", name])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert hint in capsys.readouterr().err


def test_a_command_ends_as_its_module_does(tmp_path: Path) -> None:
    done = start(tmp_path, "ecgmm", "train", "optimizer.lr=nan")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: optimizer.lr is nan; it must be")


def test_a_collector_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for arguments, said in ([], "usage: ecgmm table2 "), ([str(tmp_path)], f"error: {tmp_path} holds no finished run"):
        monkeypatch.setattr(sys, "argv", ["ecgmm", "table2", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2
        assert capsys.readouterr().err.startswith(said)


@pytest.mark.slow
def test_bash_completes(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    done = start(tmp_path, "bash", "-c", COMPLETION, "bash", *COMPLETED)
    completed = [line.split() for line in done.stdout.splitlines()]
    assert dict(zip(COMPLETED, completed, strict=True)) == {line: text.split() for line, text in COMPLETED.items()}


def test_importing_commands_changes_nothing_in_hydra(tmp_path: Path) -> None:
    code = """
import hydra.core.utils as hydra
from omegaconf.basecontainer import BaseContainer
from hydra.core.singleton import Singleton
before = hydra.JobReturn.return_value, set(Singleton._instances), set(BaseContainer._resolvers)
import ecgmm.__main__, ecgmm.commands.launcher, ecgmm.commands.side_by_side, ecgmm.commands.sweeps
import ecgmm.audit, ecgmm.download, ecgmm.evaluate, ecgmm.plan, ecgmm.predict, ecgmm.prepare, ecgmm.train, ecgmm.verify
import ecgmm.suspicious_labels
assert before == (hydra.JobReturn.return_value, set(Singleton._instances), set(BaseContainer._resolvers))
"""
    done = start(tmp_path, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
