"""CSV and NumPy files of one recording: orders, units, rates, spreadsheets' ways, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.sources import array_files
from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.data.sources.drops import Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.errors import DataError
from ecgmm.leads import LEADS
from tests.data.trees import prepare, write_record

MV = np.round(np.random.default_rng(0).normal(0, 0.5, (12, 300)), 4)
TIMES = np.arange(300) / 250


def as_csv(separator: str = ",", comma: bool = False, time: str = "time", factor: float = 1.0, end: str = "\n") -> str:
    rows = [[time, *LEADS], *np.column_stack([TIMES * factor, MV.T]).tolist()]
    text = end.join(separator.join(map(str, row)) for row in rows) + end
    return text.replace(".", ",") if comma else text


def save_npz(path: Path, **arrays: NDArray[np.generic]) -> None:
    np.savez_compressed(path, allow_pickle=False, **arrays)


def with_facts(path: Path, **facts: object) -> Path:
    path.with_suffix(".json").write_text(json.dumps(facts))
    return path


WRITE: dict[str, Callable[[Path], object]] = {
    "commas.csv": lambda path: path.write_text(as_csv()),
    "milliseconds.csv": lambda path: path.write_text(as_csv(time="time_ms", factor=1000)),
    "spreadsheet.csv": lambda path: path.write_text(as_csv(";", comma=True, end="\r\n"), encoding="utf-8-sig"),
    "tabs.csv": lambda path: path.write_text(as_csv("\t", time="Time")),
    "facts.csv": lambda path: pl.DataFrame(MV.T * 1000, schema=list(LEADS)).write_csv(
        with_facts(path, rate_hz=250, unit="uV")
    ),
    "rows.npy": lambda path: np.save(with_facts(path, rate_hz=250.0), MV),
    "columns.npy": lambda path: np.save(with_facts(path, rate_hz=250, leads=LEADS[::-1]), MV[::-1].T),
    "all.npz": lambda path: save_npz(path, ecg=MV.T * 1000, rate_hz=np.array(250), unit=np.array("µV")),
    "names.npz": lambda path: save_npz(
        path, x=MV[6:], rate_hz=np.array(250.0), leads=np.array(["V1", "V2", "V3", "C4", "V5", "v6"])
    ),
}


@pytest.mark.parametrize("file", WRITE)
def test_a_file_gives_the_millivolts_that_were_written(tmp_path: Path, file: str) -> None:
    WRITE[file](tmp_path / file)
    layout, _, _ = ANY_LEADS.describe(str(tmp_path / file), TreeFiles("", follow=True))
    assert (layout.rate_hz, layout.n_samples) == (250, 300)
    samples, _ = ANY_LEADS.read([str(tmp_path / file)], layout, None)
    rows = list(range(6, 12)) if file == "names.npz" else list(range(12))
    assert layout.recorded == tuple(lead in rows for lead in range(12))
    np.testing.assert_allclose(samples[0][rows] / layout.gains_per_mv[0], MV[rows], atol=6e-6)
    assert (np.delete(samples[0], rows, axis=0) == np.iinfo(np.int32).min).all()


def test_an_empty_field_is_a_missing_sample(tmp_path: Path) -> None:
    lines = as_csv().splitlines()
    lines[5] = ",".join([*lines[5].split(",")[:4], "", *lines[5].split(",")[5:]])
    (tmp_path / "rec.csv").write_text("\n".join(lines))
    row = read_single_record(tmp_path / "rec.csv", 250, 300, 1.0).steps[0]
    assert (row == -32768).sum() == 1
    assert row[3, 4] == -32768


def pickled(path: Path) -> None:
    np.save(path, np.array([[print]], dtype=object), allow_pickle=True)


def no_json(path: Path) -> None:
    np.save(path, MV)
    path.with_suffix(".json").write_text("[1")


def promised(path: Path) -> None:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (12, 99999999999), }\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)


REFUSED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "pickle": ("a.npy", pickled, "file unreadable: it is no numpy file, or damaged"),
    "promise": ("a.npy", promised, "file unreadable"),
    "no rate": ("a.npy", lambda path: np.save(path, MV), "give rate_hz in a JSON file beside it"),
    "shape": ("a.npy", lambda path: np.save(with_facts(path, rate_hz=500), MV[:7]), "neither axis is of 12 leads"),
    "unit": ("a.npy", lambda path: np.save(with_facts(path, rate_hz=500, unit="kg"), MV), Drop.UNIT.value),
    "no JSON": ("a.npy", no_json, "damaged"),
    "words": ("a.csv", lambda path: path.write_text("time,I\n0,x\n0.1,1\n"), "it is no csv file, or damaged"),
    "uneven": ("a.csv", lambda path: path.write_text("time,I\n0,1\n0.1,1\n0.5,1\n"), "not evenly spaced"),
    "no leads": ("a.csv", lambda path: path.write_text("time,a,b\n0,1,2\n0.002,1,2\n"), Drop.LEADS.value),
    "a lead twice": ("a.csv", lambda path: path.write_text("time,I,i\n0,1,2\n0.002,1,2\n"), Drop.LEADS.value),
    "empty": ("a.csv", lambda path: path.write_text(""), "damaged"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, what: str) -> None:
    name, write, words = REFUSED[what]
    write(tmp_path / name)
    with pytest.raises(DataError, match=words):
        read_single_record(tmp_path / name, 250, 300, 1.0)


def test_a_small_file_that_unpacks_to_much_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_npz(tmp_path / "a.npz", ecg=np.zeros((12, 2000)), rate_hz=np.array(250))
    assert (tmp_path / "a.npz").stat().st_size < 2000
    monkeypatch.setattr(array_files, "_MOST_UNPACKED_BYTES", 100_000)
    with pytest.raises(DataError, match="wrong size: it unpacks to more than 100,000 bytes"):
        read_single_record(tmp_path / "a.npz", 250, 300, 1.0)


def test_a_table_of_ones_own_takes_files_of_several_formats(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    rows = ["path,patient"]
    for number in range(24):
        ending = (".csv", ".npz", ".npy", "")[number % 4]
        file = root / f"r{number}{ending}"
        if ending == ".csv":
            file.write_text(as_csv())
        elif ending == ".npz":
            save_npz(file, ecg=MV, rate_hz=np.array(250))
        elif ending == ".npy":
            np.save(with_facts(file, rate_hz=250), MV)
        else:
            steps = np.rint(MV * 1000).astype(np.int16)
            write_record(file, steps, tuple(LEADS), "1000.0(0)/mV", "250", "")
        rows.append(f"{file.name},{number // 2}")
    (root / "records.csv").write_text("\n".join(rows) + "\n")
    given = ["data.table=records.csv", "data.rate_hz=250", "data.window.length_s=1.2", "data.uv_per_step=1.0"]
    store = prepare("table", root, *given)
    assert store.manifest["dropped"] == {}
    assert store.manifest["readers"] == {"csv": 6, "numpy": 12, "wfdb_16": 6}
    assert np.abs(store.waveforms[:] - np.rint(MV * 1000)).max() <= 1
