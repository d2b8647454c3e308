"""The suite on trained runs: what is kept, that it goes on where it stood, and what a run cannot see."""

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ecgmm
from ecgmm.disturbing import suite as suites
from ecgmm.disturbing.disturb import disturb
from ecgmm.disturbing.suite import Plan, run_suite
from ecgmm.errors import ConfigError
from ecgmm.runs.robustness import read_suites
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import KINDS
from ecgmm.training.evaluation_choice import Choice
from ecgmm.training.served import serve

pytestmark = pytest.mark.slow
SOME = ("foreign_report", "only_lead_ii", "foreign_report_and_noise", "mains")
METHODS = ("gated_fusion", "ecg_only")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_store: Path) -> Path:
    """Two runs, small and hardly trained."""
    folder = tmp_path_factory.mktemp("trained")
    store = ecgmm.open_store(tiny_store)
    settings: dict[str, object] = {
        "recipe": "quick",
        "trainer__accelerator": "cpu",
        "trainer__max_epochs": 1,
        "page": False,
        "trainer__enable_progress_bar": False,
        "ecg_encoder__channels": [4],
        "ecg_encoder__dim": 8,
        "evaluation__n_resamples": 5,
    }
    for method in METHODS:
        ecgmm.train(store, method, folder / method, **settings)
    return folder


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> list[Path]:
    return [shutil.copytree(trained / method, tmp_path / "runs" / method) for method in METHODS]


def plan(tiny_store: Path, kinds: tuple[str, ...] = SOME, strengths: tuple[int, ...] = (2, 5)) -> Plan:
    return Plan(None, Choice(), tiny_store.parent, kinds, strengths, 3)


def test_clean_predictions_are_those_of_the_run(runs: list[Path], tiny_store: Path) -> None:
    for run, suite in zip(runs, run_suite(runs, plan(tiny_store, ()), 1), strict=True):
        tested = Run.open(run).test
        names = [name for name in suite.clean.columns if name.startswith("probability.")]
        assert suite.clean["record"].to_list() == tested["record"].to_list()
        np.testing.assert_allclose(suite.clean.select(names).to_numpy(), tested.select(names).to_numpy(), atol=1e-5)


def test_a_suite_goes_on_where_it_stood(
    runs: list[Path], tiny_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed behind its first kind, then finished: the same predictions as in one piece, and nothing done twice."""
    whole = [shutil.copytree(run, tmp_path / "whole" / run.name) for run in runs]
    expected = run_suite(whole, plan(tiny_store), 1)
    run_suite(runs, plan(tiny_store, SOME[:1], (5,)), 1)
    met: list[tuple[str, float]] = []

    def counted(inputs: object, name: str, strength: float, seed: int) -> object:
        met.append((name, strength))
        return disturb(inputs, name, strength, seed)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(suites, "disturb", counted)
    found = run_suite(runs, plan(tiny_store), 1)
    assert (SOME[0], 1.0) not in met
    assert len(met) == len(set(met))  # once for all runs
    for one, other in zip(found, expected, strict=True):
        assert one.disturbed.keys() == other.disturbed.keys() == {"foreign_report", *SOME[1:3]}
        for kind, frame in one.disturbed.items():
            assert frame.equals(other.disturbed[kind])


def test_two_processes_keep_what_one_does(runs: list[Path], tiny_store: Path, tmp_path: Path) -> None:
    whole = [shutil.copytree(run, tmp_path / "whole" / run.name) for run in runs]
    for one, other in zip(run_suite(runs, plan(tiny_store), 2), run_suite(whole, plan(tiny_store), 1), strict=True):
        for kind, frame in other.disturbed.items():
            names = [name for name in frame.columns if name.startswith("probability.")]
            found = one.disturbed[kind]
            np.testing.assert_allclose(found.select(names).to_numpy(), frame.select(names).to_numpy(), atol=1e-5)


def test_a_run_that_does_not_read_is_not_disturbed_by_reports(runs: list[Path], tiny_store: Path) -> None:
    fusion, ecg_only = run_suite(runs, plan(tiny_store), 1)
    names = [name for name in ecg_only.clean.columns if name.startswith("probability.")]
    for suite, is_same in ((ecg_only, True), (fusion, False)):
        foreign = suite.disturbed["foreign_report"].filter(pl.col("strength") == 1.0)
        assert foreign.select(names).equals(suite.clean.select(names)) == is_same
        assert foreign["other_class"].any()
    assert (
        not ecg_only.disturbed["only_lead_ii"]
        .filter(pl.col("strength") == 1.0)
        .select(names)
        .equals(ecg_only.clean.select(names))
    )


def test_what_is_kept_is_private_and_names_what_cannot_be_met(runs: list[Path], tiny_store: Path) -> None:
    [suite, _] = run_suite(runs, plan(tiny_store), 1)
    assert stat.S_IMODE((suite.folder / "clean.parquet").stat().st_mode) == 0o600
    assert set(suite.disturbed["foreign_report"].columns) <= {
        *suite.clean.columns,
        "strength",
        "changed",
        "other_class",
    }
    assert "record" not in suite.disturbed["foreign_report"].columns
    assert ("mains" in suite.facts.unmet) == (Run.open(runs[0]).model.facts.store.rate_hz <= 100)
    [read] = read_suites(runs[0]).values()
    assert read.facts == suite.facts


def test_another_seed_is_another_suite(runs: list[Path], tiny_store: Path) -> None:
    [first, _] = run_suite(runs, plan(tiny_store, SOME[:1]), 1)
    before = first.disturbed["foreign_report"]
    other = Plan(None, Choice(), tiny_store.parent, SOME[:1], (5,), 4)
    [second, _] = run_suite(runs, other, 1)
    assert second.strengths("foreign_report") == [1.0]
    changed = second.disturbed["foreign_report"]
    assert not changed.equals(before.filter(pl.col("strength") == 1.0))


def test_the_command_prints_and_saves_tables(
    runs: list[Path], tiny_store: Path, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = "kinds=[foreign_report,only_lead_ii]"
    settings = [kinds, "strengths=[5]", "n_jobs=1", "n_resamples=20", f"paths.stores={tiny_store.parent}"]
    assert command("robustness", str(runs[0].parent), *settings) == 0
    said = capsys.readouterr().out
    assert "SYNTHETIC" in said
    assert "only_lead_ii" in said
    for name in ("robustness.md", "robustness.csv", "robustness.html", "robustness_pairs.csv"):
        assert (runs[0].parent / name).stat().st_size > 0


def test_runs_of_exchanged_reports_are_refused(
    runs: list[Path], tiny_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def shuffled(*given: object) -> object:
        served = serve(*given)  # type: ignore[arg-type]  # passed on as it came
        object.__setattr__(served.model, "facts", served.model.facts.model_copy(update={"text_policy": "shuffled"}))
        return served

    monkeypatch.setattr(suites, "serve", shuffled)
    with pytest.raises(ConfigError, match="shuffled"):
        run_suite(runs, plan(tiny_store), 1)


def test_every_kind_runs_through(runs: list[Path], tiny_store: Path) -> None:
    [suite] = run_suite(runs[:1], plan(tiny_store, tuple(KINDS), (4,)), 1)
    met = {kind for kind in KINDS if KINDS[kind].strengths[3] in suite.strengths(kind)}
    assert met == {kind for kind in KINDS if f"{KINDS[kind].strengths[3]:g}" not in suite.facts.unmet.get(kind, {})}
