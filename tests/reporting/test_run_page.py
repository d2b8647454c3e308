"""The page of one run: what it shows, that it is the same when it is made again, and what must not be in it."""

import json
import logging
import shutil
from pathlib import Path

import polars as pl
import pytest

from ecgmm.reporting import run_page
from ecgmm.reporting.report import main
from tests.reporting.simulated_runs import CLASSES, write_run, write_study_run
from tests.reporting.test_report import REFERENCES, Page

COUNTED = {
    "rows": 500,
    "left_out": {"several classes": 40},
    "used": 400,
    "records": 400,
    "patients": 200,
    "with_report": 390,
    "with_waveform": 400,
    "sex": {"F": 190, "M": 210},
    "age_years": [50, 61, 70],
    "without_age": 0,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a gate, a history, a readout that leaks, and participants."""
    splits = [{"split": split, **COUNTED} for split in ("train", "val", "test")]
    participants = {"listed": 1300, "dropped": {"no waveform": 12}, "kept": 1288, "splits": splits}
    folder = write_study_run(
        tmp_path_factory.mktemp("runs") / "run",
        "gated_fusion",
        1,
        readouts=("report",),
        leaky_readouts=("report",),
        data={
            "name": "synthetic",
            "fingerprint": "ab12cd34ef56" + "0" * 52,
            "synthetic": True,
            "splits": [{"split": "test", "records": 400, "patients": 200}],
            "participants": participants,
        },
    )
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def text(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_every_figure_is_in_its_folder_and_on_the_page(run: Path, page: Page) -> None:
    names = ["participants", "training", "curves", "confusion_matrix", "reliability", "gate", "per_class"]
    assert sorted(path.name for path in (run / "figures").iterdir()) == sorted(f"{name}.png" for name in names)
    assert page.images == [(run / "figures" / f"{name}.png").read_bytes() for name in names]


def test_every_section_says_what_was_found(page: Page) -> None:
    for words in (
        "SYNTHETIC data.",
        "† marks runs whose labels come from the report",
        "on 400 test records of 200 patients.",
        "Of 1,300 records listed, 1,288 are in the store",
        "Best validation AUROC after epoch 3 of 4.",
        "Commonest error:",
        "after a temperature of",
        "Median weight of the waveform",
        "Told best from the rest:",
    ):
        assert words in page.text
    assert len([one for one in page.all("p") if one.get("class") == "found"]) == 10


def test_numbers_are_those_of_metrics_json(run: Path, page: Page) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    for key in ("test/accuracy", "test/mcc", f"test/auprc/{CLASSES[2]}"):
        one = metrics[key]
        assert f"{one['value']:.3f} ({one['low']:.3f}–{one['high']:.3f})" in page.text


def test_nothing_of_a_patient_or_the_machine_is_there_and_nothing_is_asked(run: Path, page: Page, text: str) -> None:
    frame = pl.read_parquet(run / "predictions.parquet", glob=False)
    content = [text, *(path.read_bytes().decode("latin-1") for path in (run / "figures").iterdir())]
    for part in content:
        assert not [record for record in frame["record"].to_list() if str(record) in part]
        assert str(run.parent) not in part
        assert "/home" not in part
    found = [value for _, attributes in page.elements for name, value in attributes.items() if name in REFERENCES]
    assert all(value.startswith(("#", "data:")) for value in found)
    assert not page.all("script")


def test_made_again_page_and_figures_are_the_same_bytes(run: Path, tmp_path: Path) -> None:
    again = shutil.copytree(run, tmp_path / "run")
    for path in (again / "figures").iterdir():
        path.write_bytes(b"old")
    assert main([str(again)]) == 0
    for path in (run / "report.html", *(run / "figures").iterdir()):
        assert (again / path.relative_to(run)).read_bytes() == path.read_bytes()


def test_what_a_run_does_not_have_is_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", "majority", 1, task="multi_label")
    assert main([str(folder)]) == 0
    shown = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert "Gate: the method has no gate." in shown.text
    assert "Course of training: the method is not trained in epochs." in shown.text
    assert {path.stem for path in (folder / "figures").iterdir()} == {
        "curves",
        "confusion_matrix",
        "reliability",
        "per_class",
    }


def test_a_page_that_is_there_is_left_alone_and_a_failure_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_run(tmp_path / "run", "majority", 1)

    def fail(*_: object) -> None:
        raise RuntimeError("no font\nat all")

    assert main([str(folder)]) == 0
    (folder / "report.html").unlink()
    monkeypatch.setattr(run_page, "write_page", fail)
    with caplog.at_level(logging.WARNING):
        run_page.leave(folder)
    (line,) = caplog.messages
    assert "no page is written (RuntimeError: no font)" in line
    assert "\n" not in line
    assert not (folder / "report.html").exists()
    (folder / "report.html").write_text("mine")
    run_page.leave(folder)
    assert (folder / "report.html").read_text() == "mine"
    assert len(caplog.messages) == 1


def test_no_link_of_a_run_is_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", "majority", 1)
    (tmp_path / "elsewhere").mkdir()
    (folder / "figures").symlink_to(tmp_path / "elsewhere")
    assert main([str(folder)]) == 2
    assert "is a link" in capsys.readouterr().err
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_run_that_is_not_finished_has_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", "majority", 1, finished=False)
    assert main([str(folder)]) == 2
    assert "holds no finished run" in capsys.readouterr().err
    assert not (folder / "report.html").exists()
