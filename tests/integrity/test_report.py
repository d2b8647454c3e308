"""The files: the same store gives the same bytes, wherever it lies, and they stand alone."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ecgmm.data.store.store import MANIFEST
from ecgmm.errors import DataError
from ecgmm.integrity import report
from ecgmm.integrity.report import JSON_NAME, PAGE_NAME, is_current, write_integrity
from ecgmm.types import MISSING_SAMPLE
from tests.data.trees import SHORT, MimicTree, edit_manifest, prepare
from tests.integrity.small_store import FIRST_PATIENT, FIRST_RECORD, N_ROWS, waveforms, write_store
from tests.reporting.test_report import REFERENCES, Page


def both(path: Path) -> tuple[bytes, bytes]:
    return (path / PAGE_NAME).read_bytes(), (path / JSON_NAME).read_bytes()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a leak, missing samples, a flat lead, a suspected swap and records left out."""
    steps = waveforms()
    steps[14] = steps[3]
    steps[5, 2] = MISSING_SAMPLE
    steps[6, 4] = 7
    swaps = ["none"] * (N_ROWS - 1) + ["ra_la"]
    dropped = [
        (41_000_000, "files/<script>alert(1)</script>", "file missing"),
        (None, None, "key field missing"),
        (41_000_001, "files/x", "file missing"),
    ]
    path = write_store(tmp_path_factory.mktemp("a") / "store", steps, {"limb_swap": swaps}, dropped)
    write_integrity(path)
    return path


@pytest.fixture(scope="module")
def page(store: Path) -> Page:
    return Page((store / PAGE_NAME).read_text(encoding="utf-8"))


def test_the_same_store_gives_the_same_bytes_wherever_it_lies(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "elsewhere")
    for name in (PAGE_NAME, JSON_NAME):
        (tmp_path / "elsewhere" / name).unlink()
    write_integrity(tmp_path / "elsewhere")
    assert both(tmp_path / "elsewhere") == both(store)
    assert sorted(path.name for path in store.parent.iterdir()) == ["store"]
    assert not list(store.glob("*.partial"))


def test_it_is_current_until_the_store_is_another(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "render", lambda *_: "page")
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    assert is_current(copy)
    edit_manifest(copy, uv_per_step=4.0)
    assert not is_current(copy)
    write_integrity(copy)
    assert is_current(copy)
    for damaged in (b"", b"[]", b"{}", b"\xff"):
        (copy / JSON_NAME).write_bytes(damaged)
        assert not is_current(copy)
    (copy / PAGE_NAME).unlink()
    assert not is_current(copy)
    (copy / JSON_NAME).unlink()
    assert not is_current(copy)


def test_what_was_there_stays_whole_when_writing_fails(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "store"
    shutil.copytree(store, copy)

    def fail(self: Path, target: Path) -> None:
        raise OSError("no room")

    edit_manifest(copy, uv_per_step=4.0)
    monkeypatch.setattr(report, "render", lambda *_: "page")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no room"):
        write_integrity(copy)
    assert both(copy) == both(store)


def test_a_store_that_is_not_complete_is_refused(tmp_path: Path) -> None:
    path = write_store(tmp_path / "store", waveforms())
    (path / MANIFEST).unlink()
    with pytest.raises(DataError, match="not a complete store"):
        write_integrity(path)
    assert not (path / PAGE_NAME).exists()


def test_the_page_says_what_was_found(page: Page) -> None:
    for words in (
        "Stays beside the data.",
        "Leak: 1 pair of identical rows lies in different splits",
        "23 listed: 20 kept, 3 left out (13 %)",
        "file missing 2 8.7 %",
        "41000000, files/<script>alert(1)</script>",
        "no number, no path",
        f"train, val 2 2 {FIRST_RECORD + 3}, {FIRST_RECORD + 14}",
        "right arm and left arm 1 5 %",
        "Read: 2 of 2 rows that have a flat lead or a missing sample",
        f"Record {FIRST_RECORD} (train): quality 0;",
    ):
        assert words in page.text
    assert len(page.all("img")) == 8 + 1 + 6 + 2


def test_nothing_is_asked_of_a_network_and_nothing_runs(page: Page, store: Path) -> None:
    found = [value for _, attributes in page.elements for name, value in attributes.items() if name in REFERENCES]
    assert all(value.startswith(("#", "data:")) for value in found)
    assert not page.all("script")
    assert not re.search(r"https?://|@import|url\(", (store / PAGE_NAME).read_text())


def test_ids_of_elements_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_reports_patients_and_folders_are_in_neither_file(store: Path) -> None:
    for text in both(store):
        for words in ("secret words", "/data/here", str(store), str(FIRST_PATIENT)):
            assert words.encode() not in text


def test_numbers_are_strict_json(store: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads((store / JSON_NAME).read_bytes(), parse_constant=refuse)
    assert found["kept"]["splits"]["train"] == {"rows": 12, "records": 12, "patients": 6}
    assert found["limb_swap"] == {"ra_la": 1}


@pytest.mark.parametrize("value", [0, MISSING_SAMPLE])
def test_a_store_without_any_usable_waveform_has_a_report(tmp_path: Path, value: int) -> None:
    steps = np.full((N_ROWS, 12, 20), value, np.int16)
    unmeasured = np.full(N_ROWS, np.nan, np.float32)
    path = write_store(tmp_path / "store", steps, {"drift_mv": unmeasured, "limb_swap": ["none"] * N_ROWS})
    write_integrity(path)
    shown = Page((path / PAGE_NAME).read_text(encoding="utf-8"))
    assert "None: no two rows hold the same samples." in shown.text
    assert "No record was left out." in shown.text
    assert "Leak" not in shown.text
    assert len(shown.all("img")) == 8 + 1


def test_what_preparation_makes_has_a_report(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    tree.file(3, ".dat").unlink()
    shutil.copy(tree.file(5, ".dat"), tree.file(20, ".dat"))
    shutil.copy(tree.file(5, ".hea"), tree.file(20, ".hea"))
    header = tree.file(20, ".hea").read_text()
    tree.file(20, ".hea").write_text(header.replace(str(tree.rows[5]["study_id"]), str(tree.rows[20]["study_id"])))
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    write_integrity(store.path)
    found = json.loads((store.path / JSON_NAME).read_bytes())
    assert found["kept"]["records"] == store.manifest["kept"] == 29
    reasons = {one["reason"]: one["count"] for one in found["dropped"]["reasons"]}
    assert reasons == store.manifest["dropped"] == {"file missing": 1}
    assert found["dropped"]["reasons"][0]["examples"][0]["record"] == tree.rows[3]["study_id"]
    assert found["duplicates"]["in_different_patients"] == found["duplicates"]["pairs"] == 1
