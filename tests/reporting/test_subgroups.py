"""Subgroups from run directories and their store: what is shown, what is hidden, and what the sentences say."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ecgmm.data.store.store import Store
from ecgmm.errors import DataError, UserError
from ecgmm.evaluation.comparison import holm
from ecgmm.reporting.subgroup_columns import Limits
from ecgmm.reporting.subgroups import Subgroups, build, draw_table, main, sections, subgroups
from ecgmm.runs.run import find_runs
from tests.data.trees import write_store
from tests.reporting.simulated_runs import CLASSES, LABEL, N_TEST, write_run

N, FIRST_ROW = len(LABEL), 1000
PLACE = np.arange(N) // 2  # the patient; both records of one are alike
SEX = np.where(PLACE % 2 == 0, "female", "male")
AGE = np.array([30.0, 50.0, 50.0, 70.0, 70.0, 90.0, 90.0])[PLACE % 7]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Rows of the simulated runs behind others; 8 test patients have another recorder, and no site is known."""
    columns: dict[str, Any] = {
        "record": np.arange(N) + 40_000_000,
        "patient": PLACE,
        "sex": SEX,
        "age": AGE.astype(np.float32),
        "device": np.where(PLACE < 8, "RARE", np.where(PLACE % 3 == 0, "AT-6", np.where(PLACE % 3 == 1, "CS100", "X"))),
        "site": pl.Series([None] * N, dtype=pl.String),
        "quality": np.full(N, 0.9, np.float32),
        "report": np.zeros(N, np.int32),
    }
    of_run = pl.DataFrame(columns).with_columns(
        device=pl.when(pl.col("patient") % 10 == 9).then(None).otherwise(pl.col("device")),
        split=pl.Series(["test"] * N_TEST + ["val"] * (N - N_TEST)),
    )
    others = (
        of_run[:1]
        .select(pl.all().repeat_by(FIRST_ROW).explode())
        .with_columns(record=pl.Series(np.arange(FIRST_ROW)), split=pl.lit("train"), patient=pl.lit(10_000, pl.Int64))
    )
    waveforms = np.zeros((FIRST_ROW + N, 12, 4), np.int16)
    path = tmp_path_factory.mktemp("stores") / "store"
    return write_store(
        path,
        waveforms,
        pl.concat([others, of_run.select(others.columns)]),
        pl.DataFrame({"text": ["a"]}),
        {"parameters": {}},
    )


def run_on(folder: Path, store: Store, method: str = "gated_fusion", seed: int = 1, **changed: Any) -> Path:
    splits = [{"split": "test", "records": N_TEST, "patients": N_TEST // 2}]
    data = {"name": "synthetic", "fingerprint": store.fingerprint, "synthetic": True, "splits": splits}
    return write_run(folder / f"{method}{seed}", method, seed, data=data, **changed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Path:
    root = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        run_on(root, store, seed=seed)
    run_on(root, store, "ecg_only")
    return root


@pytest.fixture(scope="module")
def found(folder: Path, store: Store) -> Subgroups:
    return subgroups(find_runs([folder])[0], store.path.parent, n_resamples=100)


def labels(one: Subgroups) -> set[tuple[str, str, str]]:
    return {(m.group.grouping, m.group.name, m.group.against) for m in one.table.measured}


def test_groups_are_those_of_the_store_and_two_are_compared_once(found: Subgroups) -> None:
    assert labels(found) == {
        ("sex", "female", "male"),
        ("sex", "male", ""),
        ("age", "below 40 years", "the rest"),
        ("age", "40 to 64 years", "the rest"),
        ("age", "65 to 79 years", "the rest"),
        ("age", "80 years or more", "the rest"),
        ("device", "AT-6", "the rest"),
        ("device", "CS100", "the rest"),
        ("device", "X", "the rest"),
        ("device", "unknown", ""),
        ("quality", "0.8 or more", ""),
        ("report", "with report", ""),
    }


def test_ages_above_89_are_in_the_oldest_band(found: Subgroups) -> None:
    (oldest,) = [m for m in found.table.measured if m.group.name == "80 years or more" and m.method == "ecg_only"]
    assert oldest.group.size == (int((AGE[:N_TEST] == 90).sum()), len(set(PLACE[:N_TEST][AGE[:N_TEST] == 90])))


def test_a_small_group_is_hidden_and_subtraction_does_not_tell_its_size(found: Subgroups) -> None:
    assert ("device", "RARE", "fewer than 20 patients") in found.table.hidden
    sizes = {m.group.name: m.group.size for m in found.table.measured if m.group.grouping == "device"}
    assert list(sizes.values()).count(None) == 1
    assert "RARE" not in sizes
    other = [m.group.size for m in found.table.measured if m.group.grouping == "sex"]
    assert None not in other
    shown = found.to_markdown()
    assert re.search(r"device +\| RARE +\| fewer than 20 patients", shown)
    assert "withheld" in shown


def test_a_column_that_the_store_lacks_is_said(found: Subgroups) -> None:
    assert ("site", "all", "the store knows the site of no test record") in found.table.hidden


def test_classes_with_few_cases_are_left_out_on_both_sides(found: Subgroups, folder: Path, store: Store) -> None:
    few = {m.group.name: m.group.classes for m in found.table.measured}
    assert all(4 not in classes for name, classes in few.items() if name == "below 40 years")
    more = subgroups(find_runs([folder])[0], store.path.parent, ["sex"], Limits(20, 60), n_resamples=5)
    assert all(m.group.classes == [0] for m in more.table.measured)
    assert "auroc/MI" not in more.table.measured[0].values
    none = subgroups(find_runs([folder])[0], store.path.parent, ["sex"], Limits(20, 99), n_resamples=5)
    assert not none.table.measured
    assert "no class with 99 patients" in none.to_markdown()


def test_p_values_are_corrected_over_the_whole_table(found: Subgroups) -> None:
    gaps = [gap for one in found.table.measured for gap in one.gaps.values()]
    assert len(gaps) == found.table.n_gaps > 100
    np.testing.assert_allclose([gap.p_holm for gap in gaps], holm([gap.difference.p_value for gap in gaps]))


def test_a_gap_is_that_of_the_mean_over_seeds(found: Subgroups) -> None:
    one = next(m for m in found.table.measured if m.group.against)
    gap = one.gaps["auroc_macro"].difference
    assert gap.value == pytest.approx(one.values["auroc_macro"].value - one.rest["auroc_macro"].value)
    assert len(found.table.runs["gated_fusion"]) == 2


def test_a_planted_gap_is_said_in_a_sentence(tmp_path: Path, store: Store) -> None:
    file = run_on(tmp_path, store, predicts_like="oracle") / "predictions.parquet"
    names = [f"probability.{name}" for name in CLASSES]
    frame = pl.read_parquet(file)
    worse = pl.Series(SEX == "female") & pl.Series(PLACE % 3 != 0)  # two of three women get another's answer
    exchanged = frame.select(
        pl.when(worse).then(pl.col(name).shift(8, fill_value=0.2)).otherwise(name) for name in names
    )
    frame.with_columns(exchanged).write_parquet(file)
    one = subgroups(find_runs([tmp_path])[0], store.path.parent, ["sex"], n_resamples=200)
    first = one.sections()[0]
    assert re.match(r"Significant after Holm: 1 of 1. AUROC is 0\.\d{3} lower in women than in men \[-", first.found)
    assert "gated_fusion" not in first.found  # the only method need not be named


def test_every_section_says_what_was_found_and_no_id_leaves(found: Subgroups, store: Store) -> None:
    parts = found.sections()
    assert all(part.found.endswith(".") for part in parts)
    assert all(len(line) == len(part.head) for part in parts for line in part.lines)
    text = str([(part.title, part.found, part.lines) for part in parts])
    assert not re.search(r"400\d{5}", text)
    assert str(store.path) not in text


def test_the_command_saves_tables_and_figures(
    folder: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--stores", str(store.path.parent), "--out", str(tmp_path), "--resamples", "20"]
    assert main([str(folder), "--by", "sex,report", *arguments]) == 0
    files = sorted(path.name for path in tmp_path.iterdir())
    figures = [f"{name}.{kind}" for name in ("decision_curves", "subgroups") for kind in ("pdf", "png", "txt")]
    assert files == sorted(["subgroups.csv", "subgroups.md", *figures])
    lines = list(csv.DictReader(io.StringIO((tmp_path / "subgroups.csv").read_text())))
    assert {line["side"] for line in lines} == {"group", "rest", "gap"}
    assert {line["grouping"] for line in lines} == {"sex", "report", "class"}
    assert "SYNTHETIC" in capsys.readouterr().out


def test_the_forest_has_a_panel_a_method_and_a_row_a_comparison(found: Subgroups) -> None:
    panels = draw_table(found.table).figure.axes
    assert [axes.get_title("left") for axes in panels] == ["gated_fusion", "ecg_only"]
    rows = [text.get_text() for text in panels[0].get_yticklabels()]
    assert rows[0] == "sex: female against male"
    assert len(rows) == 8


def test_figure_and_tables_of_a_page_need_runs_and_stores_alone(folder: Path, store: Store) -> None:
    runs = find_runs([folder / "ecg_only1"])[0]
    drawing, parts = build(runs, store.path.parent), sections(runs, store.path.parent)
    assert drawing.name == "subgroups"
    assert "SYNTHETIC" in drawing.caption
    assert {"AUROC by subgroup", "Groups that are not shown"} <= {part.title for part in parts}


def test_mistakes_are_answered(folder: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--stores", str(tmp_path)]) == 2
    assert "--stores" in capsys.readouterr().err
    assert main([str(folder), "--stores", str(store.path.parent), "--by", "shoe"]) == 2
    assert "no grouping shoe; choose of sex, age" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(folder), "--cases", "1"])


def test_where_nothing_can_be_compared_there_is_no_forest(folder: Path, store: Store) -> None:
    runs = find_runs([folder])[0]
    alone = subgroups(runs, store.path.parent, ["report"], n_resamples=5)
    assert [drawing.name for drawing in alone.drawings()] == ["decision_curves"]
    with pytest.raises(UserError, match="large enough to be compared"):
        draw_table(alone.table)


def test_records_that_are_not_those_of_the_store_are_refused(tmp_path: Path, store: Store) -> None:
    file = run_on(tmp_path, store) / "predictions.parquet"
    pl.read_parquet(file).with_columns(pl.col("record") + 1).write_parquet(file)
    with pytest.raises(DataError, match="not those of its store"):
        subgroups(find_runs([tmp_path])[0], store.path.parent)
