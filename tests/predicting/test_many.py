"""Many records at once: the numbers of each alone and of the run itself, refusals in their rows, and no work twice."""

import json
import stat
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ecgmm
from ecgmm.errors import ConfigError, DataError
from ecgmm.predicting import many, prediction
from ecgmm.predicting.table import columns
from tests.data.preparation.test_single_record import beats
from tests.data.trees import write_record
from tests.predicting.conftest import Predict

SECRET = "zyzzyva rhythm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five records below ``records``, one flat and one that is a link out of the folder, and their list."""
    for number in range(4):
        write_record(tmp_path / "records" / str(number), beats(number))
    write_record(tmp_path / "records" / "flat", np.zeros((12, 5000), np.int16))
    write_record(tmp_path / "elsewhere" / "out", beats(9))
    for ending in ("hea", "dat"):
        (tmp_path / "records" / f"out.{ending}").symlink_to(tmp_path / "elsewhere" / f"out.{ending}")
    rows = [f"{k},Sinus rhythm. {SECRET}." for k in range(3)]
    rows += ["flat,Normal ECG.", "out,", "nowhere,", "3,", ",Sinus rhythm.", ",..."]
    (tmp_path / "records" / "list.csv").write_text("\n".join(["record,report", *rows]) + "\n")
    return tmp_path / "records"


@pytest.mark.parametrize("name", ["fusion", "evidence"])
def test_it_gives_the_numbers_of_the_run_for_its_own_records(
    name: str, request: pytest.FixtureRequest, tiny_store: Path, workspace: Path
) -> None:
    run: ecgmm.Run = request.getfixturevalue(name)
    known, store = run.predictions, ecgmm.open_store(tiny_store)
    [root] = (workspace / "raw").glob("*")
    paths = {int(path.stem): str(path.relative_to(root)) for path in root.rglob("*.hea")}
    reports = store.reports["statements"].to_list()
    listed = []
    for row, record in zip(known["row"], known["record"], strict=True):
        index = store.records["report"][row]
        listed.append((paths[record], None if index < 0 else "".join(f"{words}. " for words in reports[index])))
    found = run.predict_many(listed, root=root)
    assert found["refused"].null_count() == found.height
    numbers = [column for column in known.columns if column.startswith("probability.")] + ["gate", "inconsistency"]
    for column in numbers:
        assert found[column].null_count() == known[column].null_count()
        np.testing.assert_allclose(found[column].to_numpy(), known[column].to_numpy(), atol=1e-6)
    classes = run.facts.labels.classes
    if run.facts.task == "single_label":
        assert found["decision"].list.first().to_list() == [
            classes[k] for k in known.select(numbers[: len(classes)]).to_numpy().argmax(axis=1)
        ]
    else:
        called = np.array([[name in row for name in classes] for row in found["decision"]])
        thresholds = np.array(run.metrics.thresholds)
        np.testing.assert_array_equal(called, known.select(numbers[: len(classes)]).to_numpy() >= thresholds)
    validation = (known["split"] == "val").to_numpy()
    if run.facts.task == "single_label":  # by construction of the sets
        own = [classes[k] in row for k, row in zip(known["label"], found["possible"], strict=True)]
        assert np.mean(np.array(own)[validation]) >= 0.9


def test_each_alone_gives_the_same_row(fusion: ecgmm.Run, folder: Path) -> None:
    table = fusion.predict_many(folder / "list.csv")
    assert dict(table.schema) == columns(fusion.facts.labels.classes)
    for row in table.filter(pl.col("refused").is_null()).iter_rows(named=True):
        report = (f"Sinus rhythm. {SECRET}." if row["row"] <= 3 else None) if row["record"] else "Sinus rhythm."
        alone = fusion.predict(None if row["record"] is None else folder / row["record"], report)
        for name, value in alone.probabilities.items():
            assert row[f"probability.{name}"] == pytest.approx(value, abs=1e-6)
        assert (row["decision"], row["notes"], row["abstains"]) == (alone.decision, alone.notes, alone.abstains)
        assert row["n_unknown_words"] == alone.n_unknown_words


def test_the_refused_keep_their_rows_and_the_command_says_how_many(
    fusion: ecgmm.Run, folder: Path, predict: Predict
) -> None:
    out = folder / "new" / "predictions.json"
    code, said, err = predict(fusion, f"records={folder}/list.csv", f"out={out}")
    assert (code, err) == (3, "")
    assert said.strip() == f"{out}: 9 records, 5 predicted, 4 refused; column refused says why"
    rows = json.loads(out.read_text())
    reasons = {row["row"]: row["refused"] for row in rows if row["refused"]}
    assert [row["row"] for row in rows] == list(range(1, 10))
    words = {4: "no signal in any lead", 5: "link", 6: "file missing", 9: "nothing is left of the report"}
    assert {number: word in reasons[number] for number, word in words.items()} == dict.fromkeys(words, True)
    assert all(row["probability.NORM"] is row["decision"] is None for row in rows if row["refused"])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert SECRET not in said + out.read_text()


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_a_second_call_and_one_that_was_interrupted_give_the_same_bytes(
    fusion: ecgmm.Run, folder: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(many, "BATCH", 2)
    whole, out = folder / f"whole.{ending}", folder / f"killed.{ending}"
    fusion.predict_many(folder / "list.csv", whole)
    fusion.predict_many(folder / "list.csv", out)
    assert out.read_bytes() == whole.read_bytes()
    out.unlink()
    answers, calls = prediction.predict, []

    def killed(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return answers(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(many, "predict", killed)
    with pytest.raises(KeyboardInterrupt):
        fusion.predict_many(folder / "list.csv", out)
    journal = folder / f"killed.{ending}.unfinished"
    assert not out.exists()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    with journal.open("ab") as file:
        file.write(b'[{"row": 7, "i')  # as a kill within a write leaves it
    n_before = len(calls)
    fusion.predict_many(folder / "list.csv", out)
    assert out.read_bytes() == whole.read_bytes()
    assert not journal.exists()
    assert len(calls) - n_before < 4, "finished parts are not predicted again"


def test_a_journal_of_other_wishes_is_begun_anew(
    fusion: ecgmm.Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = folder / "a.csv.unfinished"
    journal.write_text('{"key": "other"}\n[{"row": 1}]\n')
    table = fusion.predict_many(folder / "list.csv", folder / "a.csv")
    assert table["probability.NORM"].null_count() == 4
    journal.write_text("my notes\n")
    with pytest.raises(DataError, match="no journal of predictions"):
        fusion.predict_many(folder / "list.csv", folder / "a.csv")
    assert journal.read_text() == "my notes\n"


def test_sheets_are_the_same_bytes_and_there_is_none_of_the_refused(fusion: ecgmm.Run, folder: Path) -> None:
    (folder / "short.csv").write_text("record,report,id\n0,,a$b_c\nflat,,2\n,Sinus rhythm.,3\n")
    for name in ("first", "second"):
        fusion.predict_many(folder / "short.csv", sheets=folder / name, sheet_format="png")
    names = sorted(path.name for path in (folder / "first").iterdir())
    assert names == ["000001.png", "000003.png"]
    assert all((folder / "first" / name).read_bytes() == (folder / "second" / name).read_bytes() for name in names)


def test_one_record_may_have_a_table_and_a_sheet_too(fusion: ecgmm.Run, folder: Path, predict: Predict) -> None:
    code, _, err = predict(fusion, f"record={folder}/0", f"out={folder}/one.csv", f"sheets={folder}/one")
    assert (code, err) == (0, "")
    assert pl.read_csv(folder / "one.csv").height == 1
    assert (folder / "one" / "000001.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["records=list.csv"], "records=... needs out=..."),
        (["records=list.csv", "out=a.csv", "report=x"], "leave record=... and report=... out"),
        (["records=list.csv", "out=a.xlsx"], "out is 'a.xlsx'; it must be a path that ends with one of .csv, .parquet"),
        (["records=list.csv", "out=a.csv", "sheet_format=svg"], "sheet_format is 'svg'"),
        (["records=nowhere.csv", "out=a.csv"], "nowhere.csv is missing"),
    ],
)
def test_mistakes_are_told(fusion: ecgmm.Run, predict: Predict, arguments: list[str], words: str) -> None:
    code, _, err = predict(fusion, *arguments)
    assert code == 2
    assert words in err


def test_a_list_without_what_the_method_looks_at_is_refused_at_once(
    fusion: ecgmm.Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(fusion.model.method), "inputs_at_test", ("text",))
    with pytest.raises(ConfigError, match='give report="'):
        fusion.predict_many([("0", None)], root=folder)


@pytest.mark.slow
def test_several_reading_processes_give_the_same_bytes(fusion: ecgmm.Run, folder: Path) -> None:
    for n in (1, 2):
        fusion.predict_many(folder / "list.csv", folder / f"{n}.csv", n_processes=n)
    assert (folder / "1.csv").read_bytes() == (folder / "2.csv").read_bytes()
