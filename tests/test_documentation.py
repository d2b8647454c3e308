"""Commands in README, docs, configuration and Makefile are what the code takes."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from ecgmm.configuration import CONF_DIR
from ecgmm.settings.arguments import readable

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^\s*(?:\$ )?python -m ((?:ecgmm|experiments|benchmarks)\.\w+)([^#\n`|]*)", re.MULTILINE)
TARGET = re.compile(r"^\s*make ([a-z][a-z0-9-]+)|`make ([a-z][a-z0-9-]+)`", re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    texts = [path.read_text().replace("\\\n", " ") for path in DOCUMENTS]
    return sorted({(match[1], match[2].strip()) for text in texts for match in COMMAND.finditer(text)})


@pytest.mark.parametrize(("module", "arguments"), commands())
def test_a_documented_command_composes(module: str, arguments: str) -> None:
    path = ROOT / f"{module.replace('.', '/')}.py"
    assert path.exists()
    if module.startswith("ecgmm."):
        given = [text for text in shlex.split(arguments) if text not in ("-m", "--help")]
        overrides = [re.sub(r"^([\w.+/]+=[\w.]+)(,[\w.]+)+$", r"\1", text) for text in given]  # one job of a sweep
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            name = module.removeprefix("ecgmm.").replace("plan", "train")  # a plan takes what training takes
            compose(name, readable(overrides), return_hydra_config=True)


def test_documents_name_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] or match[2] for path in DOCUMENTS for match in TARGET.finditer(path.read_text())}
    assert named
    assert named <= targets


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "reproduce-table2", "test", "lint", "types", "imports", "bench", "clean"):
        assert f"make {target}" in shown


def test_readme_holds_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make reproduce-table2" in readme
    assert "make test" in readme
    assert "SYNTHETIC" in readme or "synthetic" in readme


@pytest.mark.parametrize("module", ["download", "train", "prepare", "evaluate", "predict"])
def test_help_is_there_and_needs_no_data(
    module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    from importlib import import_module

    from hydra.core.global_hydra import GlobalHydra

    monkeypatch.setattr(sys, "argv", [f"ecgmm.{module}", "--help"])
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit) as stopped:
        import_module(f"ecgmm.{module}").main()
    assert not stopped.value.code
    assert "powered by hydra" in capsys.readouterr().out.lower().replace("\n", " ")
