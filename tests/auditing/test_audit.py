"""The audit as a user starts it: labels read from the report, labels of the simulation, a list of statements."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


def settings(folder: Path) -> list[str]:
    return [
        "data.rate_hz=100",
        "evaluation.n_resamples=50",
        *(f"paths.{name}={folder}/{name}" for name in ("raw", "stores", "outputs")),
    ]


def audit(command: Command, folder: Path, *overrides: str) -> tuple[dict[str, Any], str]:
    assert command("audit", *settings(folder), *overrides) == 0
    file = max(folder.glob("outputs/audit/*/*/audit.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(file.read_text()), file.with_name("audit.txt").read_text()


def area(audited: dict[str, Any], name: str, policy: str | None) -> float:
    (probe,) = [one for one in audited["probes"] if (one["input"], one["text_policy"]) == (name, policy)]
    return float(probe["auroc_macro"]["value"])


def level(audited: dict[str, Any], about: str) -> str:
    (verdict,) = [one for one in audited["verdicts"] if one["about"] == about]
    return str(verdict["level"])


@pytest.mark.slow
def test_labels_from_the_report_leak_and_masking_takes_the_leak_away(command: Command, folder: Path) -> None:
    synthetic, _ = audit(command, folder, "data.n_patients=800")
    [tree] = (folder / "raw").iterdir()
    audited, text = audit(command, folder, "data=mimic_iv_ecg", f"data.root={tree}")
    assert audited["labels"]["source"] == "report"
    assert area(audited, "bag_of_statements", "full") > 0.99
    assert area(audited, "bag_of_words", "full") > 0.99
    assert area(audited, "bag_of_statements", "masked") < 0.75
    assert area(audited, "bag_of_statements", "none") == 0.5
    assert [level(audited, about) for about in ("reports", "text.policy=full", "text.policy=masked")] == [
        "LEAK",
        "LEAK",
        "PASS",
    ]
    assert audited["look_up"]["right"] == audited["look_up"]["seen"] > 0
    assert "LEAK text.policy=full: the labels are read from the report that the model would see" in text

    assert synthetic["labels"]["source"] == "simulation"
    assert 0.7 < area(synthetic, "bag_of_words", "full") < 0.99
    assert level(synthetic, "text.policy=full") in ("PASS", "WARN")
    assert abs(area(synthetic, "bag_of_words", "shuffled") - 0.5) < 0.12
    assert synthetic["patients"] == {"all": 800, "in_several_splits": 0}
    assert synthetic["waveforms"]["in_several_splits"] == 0
    n_test = sum(counts["test"] for counts in synthetic["classes"].values())
    assert n_test == synthetic["look_up"]["test"]


def test_statements_end_with_one_line_of_json(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "statements.txt"
    file.write_text("Sinus rhythm\nATRIAL FIBRILLATION\n\nLeft bundle branch block\nxyzzy plugh\n")
    assert command("statements", str(file)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[-1]) == {"total": 4, "unrecognised": 1}
    assert lines[-3:-1] == ["unrecognised: 1", "  xyzzy plugh"]
    (conduction,) = [line for line in lines if "category: conduction" in line]
    assert " 1 " in conduction
    assert [path.name for path in tmp_path.iterdir()] == ["statements.txt"]


@pytest.mark.parametrize(
    ("content", "word"), [(None, "cannot be read"), (b"\xff\xfe", "UTF-8"), (b"\n", "no statement")]
)
def test_a_file_without_statements_is_a_user_mistake(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, word: str
) -> None:
    file = tmp_path / "statements.txt"
    if content is not None:
        file.write_bytes(content)
    assert command("statements", f"file={file}") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert word in message
    assert str(file) in message
