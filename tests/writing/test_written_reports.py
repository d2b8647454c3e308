"""The command on trained runs: what it says, what it keeps, and that no word of a report leaves the page."""

import stat
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import ecgmm
from ecgmm.errors import ConfigError
from ecgmm.runs.run import find_runs
from ecgmm.training.evaluation_choice import Choice
from ecgmm.training.measured_records import MeasuredRecords
from ecgmm.writing.records import Subject
from ecgmm.writing.systems import NEAREST, REFERENCE, SHUFFLED, compare
from ecgmm.writing.writers import nearest_reports
from tests.tiny_runs import QUICK

pytestmark = pytest.mark.slow
METHODS = ("meit", "ecg_doctor", "ecg_only")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_store: Path) -> Path:
    folder = tmp_path_factory.mktemp("writing")
    store = ecgmm.open_store(tiny_store)
    for method in METHODS:
        ecgmm.train(store, method, folder / method, **QUICK, page=False, text__max_tokens=24)
    return folder


def test_every_row_is_measured_and_the_page_alone_holds_text(
    trained: Path, tiny_store: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = [f"run={trained}", f"paths.stores={tiny_store.parent}", f"out={tmp_path}", "n_resamples=5", "n_shown=2"]
    assert command("written_reports", *settings) == 0
    said = capsys.readouterr()
    table = pl.read_csv(tmp_path / "written_reports.csv")
    rows = ["ecg_doctor", f"ecg_doctor: {NEAREST}", f"ecg_only: {NEAREST}", "meit", f"meit: {NEAREST}"]
    assert table["row"].unique(maintain_order=True).to_list()[:5] == rows
    f1 = dict(table.filter(pl.col("metric") == "finding_f1").select("row", "value").iter_rows())
    assert f1[REFERENCE] == 1
    assert f1[SHUFFLED] < 0.6
    assert table.filter(pl.col("metric") == "finding_f1_minus_nearest")["row"].to_list() == ["ecg_doctor", "meit"]
    page = tmp_path / "written_reports.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text(encoding="utf-8")
    assert "Stays on this machine" in text
    statements = {s for report in ecgmm.open_store(tiny_store).reports["statements"] for s in report}
    long = [statement for statement in statements if len(statement.split()) > 3]  # longer than a finding's name
    assert any(f">{statement}" in text for statement in statements)
    open_to_all = (
        said.out + said.err + "".join((tmp_path / f"written_reports.{end}").read_text() for end in ("md", "csv"))
    )
    assert not [statement for statement in long if statement in open_to_all]


def test_of_a_training_record_the_nearest_report_is_its_own(trained: Path, tiny_store: Path) -> None:
    records = MeasuredRecords(None, Choice(split="train", allow_leaky=True), tiny_store.parent)
    subject = Subject(trained / "ecg_only", records)
    nearest = nearest_reports(subject, subject)
    same = [one == other for one, other in zip(nearest, subject.records.reports, strict=True)]
    assert sum(same) > 0.95 * len(same)  # waveforms that are the same may have two reports


def test_without_a_run_that_writes_there_is_nothing_to_compare(trained: Path, tiny_store: Path) -> None:
    runs = find_runs([trained / "ecg_only"])[0]
    with pytest.raises(ConfigError, match="no run here has learnt to write"):
        compare(runs, MeasuredRecords(None, Choice(allow_leaky=True), tiny_store.parent))
