"""Folders and texts without a key arrive as they were written, whatever their names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from ecgmm.commands.positional import with_keys
from ecgmm.errors import ConfigError
from ecgmm.settings.arguments import readable

PREDICT = ("run", "record", "report")
ODD = [
    "outputs/train/method=concat,recipe=quick",
    "outputs/train/method=concat,trainer.max_epo~ad1d13f5",
    "a b/c d",
    "2024",
    "007",
    "1e5",
    "true",
    "null",
    "-1/x",
    'it\'s/"mine"',
    "back\\slash/x",
    "back\\",
    "Ärzte/[x]{y}(z)",
    "a:b/c;d#e",
    "~x/y=z",
    "a~b=c/d",
    "run/method=concat",
    "paths.outputs/x=1",
    "report",
    "/abs/leads=[I,II]",
    "./run=a",
    "trailing ",
    "two\nlines/x",
]


def arrive(entry: str, keys: tuple[str, ...], *arguments: str) -> dict[str, object]:
    """What Hydra reads, by key."""
    settings = [text for text in readable(with_keys(entry, keys, arguments)) if text != "-m"]
    read = OverridesParser.create().parse_overrides(settings)
    return {override.key_or_group: override.value() for override in read}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_arrives_as_it_is_written(name: str) -> None:
    if name.startswith("-"):
        name = f"./{name}"  # as for every command
    assert arrive("evaluate", ("run",), name, "split=val") == {"run": name, "split": "val"}
    assert arrive("predict", PREDICT, "run", name) == {"run": "run", "record": name}
    ((key, value),) = arrive("evaluate", ("run",), "-m", name).items()
    assert (key, value) == ("run", name), "a folder's commas separate nothing"


@pytest.mark.parametrize("text", ["Sinus rhythm.", "PR=120, QT = 400", "rate 60/min", "run away", "~ 72", "=", "42"])
def test_a_report_is_a_text(text: str) -> None:
    assert arrive("predict", PREDICT, "run", "path/40689238", text)["report"] == text


def test_a_folder_whose_name_looks_like_a_setting_is_one_where_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_keys("evaluate", ("run",), ["seed=1"]) == ["seed=1"], "a mistyped key stays one"
    (tmp_path / "seed=1").mkdir()
    assert arrive("evaluate", ("run",), "seed=1") == {"run": "seed=1"}
    (tmp_path / "split=val").mkdir()
    assert with_keys("evaluate", ("run",), ["split=val"]) == ["split=val"], "keys of the command come first"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run=a", "path/1", "text"], ["run=a", "record='path/1'", "report='text'"]),
        (["record=path/1", "a"], ["record=path/1", "run='a'"]),
        (["a", "--config-dir", "conf", "--cfg", "job"], ["run='a'", "--config-dir", "conf", "--cfg", "job"]),
        (["a", "hydra/launcher=basic", "+hydra.x=1"], ["run='a'", "hydra/launcher=basic", "+hydra.x=1"]),
        (["-sc", "query=bash"], ["-sc", "query=bash"]),
    ],
)
def test_what_has_a_key_keeps_it(arguments: list[str], expected: list[str]) -> None:
    assert with_keys("predict", PREDICT, arguments) == expected


def test_commands_without_such_arguments_and_one_too_many() -> None:
    assert with_keys("train", (), ["seed", "a/b"]) == ["seed", "a/b"]
    with pytest.raises(ConfigError, match="evaluate does not know what 'b' is for"):
        with_keys("evaluate", ("run",), ["a", "b"])


def test_verify_takes_stores_and_runs(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").mkdir()
    assert command("verify", str(tmp_path / "store")) == 2
    assert "manifest.json" in capsys.readouterr().err
    run = tmp_path / "method=concat,seed=1"
    run.mkdir()
    (run / "run.json").write_text("{}")
    assert command("verify", str(run)) == 2
    assert str(run / "model") in capsys.readouterr().err
