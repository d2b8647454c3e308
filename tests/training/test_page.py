"""A trained run leaves its figures and its page, once, and never fails for want of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ecgmm.run_figures import figures
from ecgmm.runs.run import Run
from tests.reporting.test_report import Page


@pytest.fixture
def settings(quick_settings: list[str]) -> list[str]:
    """Overrides of a run that takes no epochs."""
    return [*(one for one in quick_settings if one != "page=false"), "method=majority"]


def test_a_run_leaves_its_page_and_a_second_start_leaves_it_alone(
    command: Callable[..., int], settings: list[str], tmp_path: Path
) -> None:
    assert command("train", *settings, f"hydra.run.dir={tmp_path}/run") == 0
    left = [tmp_path / "run" / "report.html", *(tmp_path / "run" / "figures").iterdir()]
    assert {path.name for path in left} >= {"report.html", "participants.png", "curves.png", "per_class.png"}
    run = Run.open(tmp_path / "run")
    shown = Page(left[0].read_text(encoding="utf-8"))
    assert f"{run.metrics.n_records} test records of {run.metrics.n_patients} patients" in shown.text
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in left}
    assert command("train", *settings, f"hydra.run.dir={tmp_path}/run") == 0
    assert command("train", *settings, "page=false", f"hydra.run.dir={tmp_path}/run") == 0  # the same run
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in left} == before


def test_a_run_whose_figures_fail_is_finished_all_the_same(
    command: Callable[..., int],
    settings: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no font\nat all")

    monkeypatch.setitem(figures.RUN_FIGURES, "per_class", replace(figures.RUN_FIGURES["per_class"], draw=fail))
    assert command("train", *settings, f"hydra.run.dir={tmp_path}/run") == 0
    assert Run.open(tmp_path / "run").facts.finished
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ecgmm report" in line]
    assert line.startswith("figures are not drawn (RuntimeError: no font); `ecgmm report ")
    assert list((tmp_path / "run" / "figures").iterdir()) == []
    assert not (tmp_path / "run" / "report.html").exists()


def test_no_page_is_made_where_none_is_asked_for(
    command: Callable[..., int], settings: list[str], tmp_path: Path
) -> None:
    assert command("train", *settings, "page=false", f"hydra.run.dir={tmp_path}/run") == 0
    assert not (tmp_path / "run" / "report.html").exists()
    assert not (tmp_path / "run" / "figures").exists()
