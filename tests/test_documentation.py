"""Commands, links and numbers in README, CONTRIBUTING and docs are what the code takes and gives."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import hydra
import pytest
from hydra import initialize_config_dir

from ecgmm.__main__ import commands
from ecgmm.configuration import CONF_DIR
from ecgmm.settings import checked, compose
from ecgmm.settings.arguments import readable
from tests.documented import (
    DOCUMENTS,
    NOT_RUN,
    PAGES,
    ROOT,
    all_commands,
    commands_of,
    inline_commands,
    name_and_arguments,
)

COMMANDS = sorted({*all_commands(), *inline_commands()})
PLACEHOLDER = re.compile(r"\.\.\.|…|<\w+>|\*|http\.server|\[")
TARGET = re.compile(r"^\s*make ((?:[a-z][a-z0-9-]+ ?)+)$|`make ([a-z][a-z0-9-]+)`", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[\w-]+)?\)")


def whole(texts: list[str]) -> list[str]:
    """Commands in which nothing is left out."""
    return [command for command in texts if not PLACEHOLDER.search(command.replace("'", ""))]


@pytest.mark.parametrize("command", whole([text for text in COMMANDS if text.startswith("ecgmm ")]))
def test_a_documented_command_composes_to_settings_that_fit(command: str) -> None:
    name, arguments = name_and_arguments(command)
    assert name in commands()
    settings = "train" if name == "plan" else name  # a plan takes what training takes
    given = [text for text in arguments if "=" in text]
    if not (CONF_DIR / f"{settings}.yaml").exists():
        return
    if "-m" in arguments or any(text.startswith("+experiment") for text in given):
        one_job = [re.sub(r"^([\w.+/]+=[\w.-]+)(,[\w.-]+)+$", r"\1", text) for text in given]
        with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
            composed = hydra.compose(settings, readable(one_job), return_hydra_config=True)
    else:
        composed = compose(settings, given)
    checked(settings, composed, whole=False)


@pytest.mark.parametrize("command", [text for text in COMMANDS if text.startswith("python -m benchmarks.")])
def test_a_documented_benchmark_is_there(command: str) -> None:
    module = ROOT / command.split()[2].replace(".", "/")
    path = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
    options = re.findall(r"(?<= )--[a-z-]+", command)
    assert not [option for option in options if f'"{option}"' not in path.read_text(encoding="utf-8")]


def test_every_reason_not_to_run_a_command_is_needed() -> None:
    assert [pattern for pattern in NOT_RUN if not any(re.match(pattern, command) for command in all_commands())] == [
        "pytest "  # commands of single tests stand in tables and sentences
    ]


def test_commands_are_found_where_they_stand() -> None:
    text = "Words\n\n    make a  # why\n    python -m x.y \\\n      k=1\n\n```bash\necgmm train\n```\n\n- a\n  make b\n"
    assert commands_of(text) == ["make a", "python -m x.y k=1", "ecgmm train"]


def test_documents_name_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    named = {name for text in texts for match in TARGET.finditer(text) for name in (match[1] or match[2]).split()}
    assert named
    assert named <= targets


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "reproduce-table2", "test", "lint", "types", "imports", "docs", "bench", "clean"):
        assert f"make {target}" in shown


def test_the_targets_that_train_table_2_end_with_its_page() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("reproduce-table2", "extend-table2"):
        lines = makefile.split(f"\n{target}:")[1].split("\n\n")[0].splitlines()
        assert re.fullmatch(
            r"\t\$\(BIN\)/python -m experiments\.report outputs/.* --out figures/report\.html", lines[-1]
        )


def test_readme_holds_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make reproduce-table2" in readme
    assert "make test" in readme
    assert "SYNTHETIC" in readme or "synthetic" in readme


def test_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    prose = re.sub(r"(?m)^    .*$|^\|.*$|\]\([^)]*\)", "", text)
    assert len(re.findall(r"\w[\w’'-]*", prose)) <= 300


def test_numbers_of_the_readme_are_those_of_the_results() -> None:
    rows = hooks().read_results("table2_tuned")[1]
    columns = [rows[0].index(name) for name in ("method", "inputs at test", "AUROC ± sd over seeds", "95 %")]
    known = {" | ".join(row[k] for k in columns) for row in rows}
    shown = re.findall(r"^\| (.*) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(shown) >= 4
    assert set(shown) <= known


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path: Path) -> None:
    links = LINK.findall(path.read_text(encoding="utf-8"))
    patches = (ROOT / "examples" / "contributing").resolve()  # test_contributing.py asks for these
    targets = [(path.parent / link).resolve() for link in links]
    assert not [target for target in targets if not target.exists() and target.parent != patches]


def test_files_that_code_names_are_there() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    code = [ROOT / name for name in listed if name.endswith((".py", ".yaml", ".jinja", "Makefile", ".md", ".toml"))]
    texts = [path.read_text(encoding="utf-8") for path in code if path.exists() and path.name != "CHANGELOG.md"]
    named = {name for text in texts for name in re.findall(r"docs/[\w/-]+\.md", text)}
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_names_are_there(path: Path) -> None:
    named = re.findall(
        r"`((?:ecgmm|conf|tests|benchmarks|experiments|docs)/[\w/.-]*)`", path.read_text(encoding="utf-8")
    )
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_are_at_most_120_characters(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if len(line) > 120 and not line.lstrip().startswith("|")]


def hooks() -> ModuleType:
    """The module by which mkdocs inserts results and lists."""
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_interval_in_a_table_stays_on_one_line() -> None:
    narrow = hooks().unbroken("| 0.952 ± 0.003 | 0.937–0.967 | −0.1–−0.05 | waveform–report |")
    assert narrow == "| 0.952\u00a0±\u00a00.003 | 0.937\u2060–\u20600.967 | −0.1\u2060–\u2060−0.05 | waveform–report |"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_whatever_a_page_inserts_is_there(path: Path) -> None:
    assert "{{" not in re.sub(r"`[^`]*`", "", hooks().insert(path.read_text(encoding="utf-8")))


def test_every_result_file_is_shown() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    names = {path.stem for path in (ROOT / "docs" / "results" / "data").glob("*.csv")}
    assert names == set(re.findall(r"\{\{ table (\w+) \}\}", text))


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {str(path.relative_to(ROOT / "docs")) for path in PAGES}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="mkdocs is an extra (dev)")
    folder = tmp_path_factory.mktemp("site")
    call = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    fetched = (
        r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*\b(?:src|href|data)=[\"']?(?:https?:)?//"
    )
    for page in pages:
        assert not re.findall(fetched, page.read_text(encoding="utf-8")), page
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.parametrize("module", ["download", "train", "prepare", "evaluate", "predict"])
def test_help_is_there_and_needs_no_data(
    module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import import_module

    from hydra.core.global_hydra import GlobalHydra

    monkeypatch.setattr(sys, "argv", [f"ecgmm.{module}", "--help"])
    GlobalHydra.instance().clear()
    with pytest.raises(SystemExit) as stopped:
        import_module(f"ecgmm.{module}").main()
    assert not stopped.value.code
    assert "--hydra-help` lists" in capsys.readouterr().out.replace("\n", " ")
