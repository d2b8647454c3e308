"""MIMIC-IV-ECG: joined by study, blanks between statements skipped, labels from the report marked as such."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgmm.data.sources.labels.label_set import LabelSettings
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.mimic_iv_ecg import read_machine_reports
from ecgmm.errors import DataError
from tests.data.trees import (
    SHORT,
    MimicTree,
    prepare,
)


def test_reports_are_joined_by_study_and_blanks_between_statements_are_skipped(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    tree.reports.reverse()
    tree.reports[0].update(report_0=None, report_1="  ", report_2=None)  # study 29 has no report
    tree.reports[1].update(report_0="Same", report_2="words")
    tree.reports[2].update(report_0="Same", report_2="words")
    tree.write_tables()
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    texts = store.reports["statements"].to_list()
    for record, report in store.records.select("record", "report").iter_rows():
        number = record - 40_000_000
        if number < 27:
            assert texts[report] == ["sinus rhythm", f"abnormal ecg {number}"]
    last = store.records.sort("record")["report"].to_list()[-3:]
    assert last[0] == last[1] >= 0
    assert last[2] == -1
    assert store.manifest["text"] == {"with_report": 29, "absent": 1, "too_short": 0, "shortened": 0, "distinct": 28}
    assert store.reports["text"][0] == ". ".join(texts[0])


def test_short_reports_count_as_missing_and_their_records_stay(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    tree.reports[0].update(report_0="***", report_2=None)
    tree.write_tables()
    assert prepare("mimic_iv_ecg", tree.root, SHORT).manifest["text"]["too_short"] == 1
    longer = prepare("mimic_iv_ecg", tree.root, SHORT, "data.text.min_words=9")
    assert longer.manifest["text"]["too_short"] == 30 == len(longer.waveforms)


def test_notes_replace_the_machine_statements(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    (tmp_path / "notes.csv").write_text("study_id,text\n40000001,Normal sinus rhythm. Left axis.\n40000001,Again.\n")
    store = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.notes_csv={tmp_path / 'notes.csv'}")
    assert store.manifest["text"]["with_report"] == 1
    assert store.reports["statements"].to_list() == [["normal sinus rhythm", "left axis", "again"]]


def test_row_order_of_the_tables_changes_nothing_but_their_checksums(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    first = prepare("mimic_iv_ecg", tree.root, SHORT, "data.store=" + str(tmp_path / "a"))
    tree.rows = tree.rows[::-1]
    tree.reports = tree.reports[7:] + tree.reports[:7]
    tree.write_tables()
    second = prepare("mimic_iv_ecg", tree.root, SHORT, "data.store=" + str(tmp_path / "b"))
    np.testing.assert_array_equal(first.waveforms, second.waveforms)
    assert first.records.equals(second.records)
    assert first.reports.equals(second.reports)
    assert first.manifest["split"] == second.manifest["split"]


def test_labels_of_mimic_come_from_the_report_and_say_so(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    tree.reports[0].update(report_0="Sinus rhythm", report_2="Normal ECG")
    tree.reports[1].update(report_0="Left bundle branch block", report_2="Abnormal ECG")
    tree.reports[2].update(report_0=None, report_2=None)
    tree.write_tables()
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    labels = open_labels(store, "superclass")
    assert [labels.of_row(row) for row in range(3)] == [{"NORM": 1}, {"CD": 1}, None]
    assert labels.label_set.source == "report"


def test_measurements_are_kept_and_codes_for_missing_are_null(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    for row, p_end, axis in zip(tree.reports, (29999, 128, "?"), (32767, -32768, -12), strict=False):
        row.update(rr_interval=659, p_end=p_end, p_axis=axis)
    tree.reports.reverse()
    tree.write_tables()
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    kept = store.records.sort("record").select(pl.col("^measurement\\..*$"))
    assert kept.columns == ["measurement.rr_interval", "measurement.p_end", "measurement.p_axis"]
    assert set(kept.dtypes) == {pl.Float32}
    assert kept.rows()[:4] == [(659, None, None), (659, 128, None), (659, None, -12), (None, None, None)]


def test_the_certainty_that_makes_a_label_is_a_setting_of_the_labels(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    for row in tree.reports:
        row.update(report_0="Sinus rhythm", report_2="Possible left atrial enlargement")
    tree.write_tables()
    values = ("definite", "include_possible")
    given = [f"data.labels.certainty={value}" for value in values]
    stores = [prepare("mimic_iv_ecg", tree.root, SHORT, setting) for setting in given]
    assert stores[0].path == stores[1].path
    certain, all_of_them = (open_labels(stores[0], "superclass", LabelSettings(certainty=value)) for value in values)
    assert certain.of_row(0) == {}
    assert all_of_them.of_row(0) == {"HYP": 0.5}
    assert certain.digest != all_of_them.digest


def test_the_folds_of_the_icd_file_are_the_split_and_row_order_changes_no_count(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    rows = [
        {"study_id": row["study_id"], "all_diag_all": "['I4891']", "fold": (row["subject_id"] % 10) * 2 + 1}
        for row in tree.rows[:-1]
    ]
    folds = {"train": range(18), "val": [18], "test": [19]}
    for row in rows[:3]:
        row["fold"] = 18
    manifests, described = [], []
    for name, listed in (("a", rows), ("b", rows[::-1])):
        pl.DataFrame(listed).write_csv(tmp_path / "icd.csv")
        icd = f"data.icd={{csv:{tmp_path}/icd.csv,min_records:29,use_folds:true}}"
        store = prepare("mimic_iv_ecg", tree.root, SHORT, icd, f"data.store={tmp_path}/{name}")
        manifests.append(store.manifest)
        labels = open_labels(store, "icd_multilabel", LabelSettings(icd_csv=tmp_path / "icd.csv", min_records=29))
        described.append(labels.describe(store.records["split"].to_numpy()))
        fold_of = {row["study_id"]: row["fold"] for row in rows}
        assert all(fold_of[record] in folds[split] for record, split in store.records["record", "split"].iter_rows())
    assert manifests[0]["dropped"] == {"fold in no split": 1}
    assert described[0]["classes"] == ["I48", "I489", "I4891"]
    assert manifests[0]["split"] == manifests[1]["split"]
    assert described[0] == described[1]


def test_words_for_no_value_are_no_report_and_counted(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    for row, word in zip(tree.reports, ("nan", " NaN ", "NULL", "<NA>", "-", "None"), strict=False):
        row.update(report_0=word, report_2=word)
    tree.reports[6].update(report_0="nan", report_2="Nan is no finding")
    tree.write_tables()
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert store.manifest["text"] == {"with_report": 24, "absent": 6, "too_short": 0, "shortened": 0, "distinct": 24}
    assert store.manifest["unreadable"] == {"machine_measurements.csv reports: words such as nan": 13}
    assert ["nan is no finding"] in store.reports["statements"].to_list()


def test_times_in_other_forms_are_the_same_store_and_others_are_counted(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    plain = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/a")
    for row in tree.rows:
        row["ecg_time"] = str(row["ecg_time"]).replace(" ", "T") + ".000Z"
    tree.write_tables()
    assert prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/b").records.equals(plain.records)
    for row in tree.rows[:3]:
        row["ecg_time"] = "9/22/2182 12:04"
    tree.write_tables()
    counted = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/c")
    assert counted.records["time"].null_count() == 3
    assert counted.manifest["unreadable"] == {"record_list.csv ecg_time": 3}
    assert plain.manifest["unreadable"] == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ecg_time": "9/22/2182 12:04"}, "30 of 30 values of column ecg_time are no time such as 2180-07-23"),
        ({"study_id": "4.0e7"}, "30 of 30 values of column study_id are no whole number, as in 9.9x9"),
        ({"subject_id": "10,000,032"}, "values of column subject_id are no whole number, as in 99,999,999"),
    ],
)
def test_a_table_written_otherwise_is_refused_before_any_check_is_off(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    tree = MimicTree(tmp_path / "tree", n_samples=1)
    for row in tree.rows:
        row.update(change)
    tree.write_tables()
    with pytest.raises(DataError, match=message):
        prepare("mimic_iv_ecg", tree.root, SHORT)


@pytest.mark.parametrize(
    ("name", "message"),
    [("Report_1", "has a column 'Report_1' in place of report_1"), (" p_axis", "' p_axis' in place of p_axis")],
)
def test_columns_that_would_be_left_out_for_their_spelling_are_refused(tmp_path: Path, name: str, message: str) -> None:
    tree = MimicTree(tmp_path / "tree", n_samples=1)
    tree.reports = [{name if key == "report_1" else key: value for key, value in row.items()} for row in tree.reports]
    tree.write_tables()
    with pytest.raises(DataError, match=message):
        read_machine_reports(tree.root / "machine_measurements.csv")


def test_the_demo_without_reports_is_told_what_lacks_and_not_to_set_what_it_set(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree", n_samples=1)
    (tree.root / "machine_measurements.csv").unlink()
    with pytest.raises(DataError, match=r"machine_measurements\.csv is missing; it holds the reports and .* demo"):
        prepare("mimic_iv_ecg", tree.root, SHORT)


def test_tables_of_two_trees_are_refused(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree", n_samples=1)
    for row in tree.reports:
        row["study_id"] += 1000
    tree.write_tables()
    with pytest.raises(DataError, match=r"machine_measurements\.csv has no row for any record of record_list\.csv"):
        prepare("mimic_iv_ecg", tree.root, SHORT)


text = st.one_of(
    st.none(), st.sampled_from(["", " ", "\t ", "Sinus rhythm", " Sinus rhythm ", 'a "b", c', "two\nlines"])
)
measured = st.fixed_dictionaries(
    {
        "study_id": st.sampled_from(["1", "2", " 3", "4.0", "x", None]),
        "subject_id": st.sampled_from(["7", "8"]),
        **{f"report_{number}": text for number in (10, 0, 2)},
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(measured, min_size=1, max_size=9))
def test_machine_reports_are_those_of_the_plain_definition(tmp_path: Path, table: list[dict[str, str | None]]) -> None:
    path = tmp_path / "machine_measurements.csv"
    pl.DataFrame(table, dict.fromkeys(table[0], pl.String)).with_columns(
        ecg_time=pl.lit("2182-09-22 12:04:00"), rr_interval=pl.lit("29999")
    ).write_csv(path)
    studies: dict[int, list[tuple[int, list[str]]]] = {}
    for row in table:
        if row["study_id"] not in ("x", None):
            texts = [(row[f"report_{number}"] or "").strip() for number in (0, 2, 10)]
            report = (int(row["subject_id"] or 0), [text for text in texts if text])
            studies.setdefault(int(float(row["study_id"] or 0)), []).append(report)
    found, twice, _ = read_machine_reports(path)
    assert found.select("study_id", "subject_id", "statements").rows() == [
        (study, *reports[0]) for study, reports in studies.items()
    ]
    assert found["measurement.rr_interval"].is_null().all()
    contradicting = {study for study, reports in studies.items() if any(report != reports[0] for report in reports)}
    assert set(twice.drop_nulls()) == contradicting
