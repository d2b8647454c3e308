"""CODE-15 %: rows of HDF5 files cut to what was recorded, exams of a table, six labels."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.data.preparation.header_pass import check_sizes
from ecgmm.data.sources.code_15 import MV_PER_UNIT, RATE_HZ
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.hdf5_rows import Hdf5Layout, Hdf5RowsReader
from ecgmm.data.sources.labels.opening import open_labels
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.errors import DataError
from tests.data.cinc_trees import wave, write_exams, write_part
from tests.data.trees import data_config, prepare

pytestmark = pytest.mark.skipif(find_spec("h5py") is None, reason="h5py is an extra (formats)")

READER = Hdf5RowsReader(RATE_HZ, MV_PER_UNIT)
N = 24


def tracing(number: int, n_samples: int) -> NDArray[np.float64]:
    """``[T, 12]`` in units of 1e-4 V, no sample of all leads 0."""
    return wave(number, n_samples, RATE_HZ).T / 100 + 0.003


def write_tree(root: Path) -> None:
    """Exams 1001 to 1024 of twelve patients in two files, every third of 7 s."""
    rows = []
    for number in range(1, N + 1):
        file = f"exams_part{number % 2}.hdf5"
        rows.append({"exam_id": 1000 + number, "patient_id": number // 2, "trace_file": file, "AF": number == 3})
    rows[4] |= {"is_male": False, "age": 17, "ST": True}
    rows[5] |= {"AF": None, "age": 999}
    write_exams(root, rows)
    for part in (0, 1):
        own = [number for number in range(1, N + 1) if number % 2 == part]
        exams = {1000 + number: tracing(number, 2800 if number % 3 == 0 else 4000) for number in own}
        write_part(root / f"exams_part{part}.hdf5", exams)


def test_exams_are_read_cut_and_labelled(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree")
    store = prepare("code_15", tmp_path / "tree")
    assert store.manifest["dropped"] == {}
    assert store.manifest["readers"] == {"hdf5_rows": N}
    assert store.waveforms.shape == (N, 12, 5000)
    records = store.records["record"].to_list()
    assert sorted(records) == list(range(1001, 1025))
    row = records.index(1002)
    assert store.records["patient"][row] == 1
    time = np.arange(5000) / 500
    inner = slice(50, 4950)  # beyond the edges of the resampling
    wanted = (15 * np.sin(2 * np.pi * 3 * time + np.arange(12)[:, None]) + 0.003) * 100  # 0.1 mV in steps of 1 µV
    np.testing.assert_allclose(store.waveforms[row][:, inner], wanted[:, inner], atol=15)
    short = store.waveforms[records.index(1003)]
    assert not short[:, :750].any()
    assert not short[:, 4250:].any()
    assert short[:, 750:760].any()
    persons = [store.records.select("age", "sex").row(records.index(exam)) for exam in (1001, 1005, 1006)]
    assert persons == [(60, "male"), (17, "female"), (None, "male")]
    labels = open_labels(store, "code_15")
    assert labels.label_set.classes == ("1dAVb", "RBBB", "LBBB", "SB", "AF", "ST")
    assert [labels.of_row(records.index(exam)) for exam in (1001, 1003, 1005, 1006)] == [{}, {"AF": 1}, {"ST": 1}, None]
    assert labels.label_set.notes == {"exams without a value in some column": 1}


@pytest.mark.parametrize(("n_samples", "first"), [(2800, 648), (4000, 48), (4096, 0), (3999, 48), (1, 2047)])
def test_the_zeros_around_a_recording_are_cut_off(tmp_path: Path, n_samples: int, first: int) -> None:
    values = tracing(1, n_samples)
    values[n_samples // 3, 4] = np.nan
    write_part(tmp_path / "exams_part0.hdf5", {7: values})
    tree = TreeFiles(f"{tmp_path}/", follow=False)
    layout, start, checksums = READER.describe("exams_part0.hdf5/000000", tree)
    check_sizes("exams_part0.hdf5/000000", layout, READER, tree)
    assert isinstance(layout, Hdf5Layout)
    assert (layout.n_samples, layout.first, layout.rate_hz, start) == (n_samples, first, 400, "")
    block = READER.read([f"{tmp_path}/exams_part0.hdf5/000000"], layout, None)
    assert block.reasons == [None]
    millivolts = block.samples[0] / np.array(layout.gains_per_mv)[:, None]
    missing = block.samples[0] == np.iinfo(np.int32).min
    assert missing.sum() == 1
    stored = values.astype(np.float32).T.astype(float) / 10
    np.testing.assert_allclose(millivolts[~missing], stored[~missing], atol=1e-5)
    assert checksums == (0,) * 12


def test_what_cannot_be_read_is_dropped_under_a_reason(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    write_tree(root)
    more = [
        {"exam_id": 2001, "patient_id": 90, "trace_file": "exams_part7.hdf5"},  # that part was not fetched
        {"exam_id": 2002, "patient_id": 91, "trace_file": "exams_part0.hdf5"},  # not in the file
        {"exam_id": 2003, "patient_id": 92, "trace_file": "../exams_part0.hdf5"},
        {"exam_id": 2004, "patient_id": 93, "trace_file": "exams_part2.hdf5"},
        {"exam_id": 2005, "patient_id": 94, "trace_file": "exams_part2.hdf5"},
    ]
    text = (root / "exams.csv").read_text()
    write_exams(root, more)
    (root / "exams.csv").write_text(text + "".join((root / "exams.csv").read_text().splitlines(keepends=True)[1:]))
    write_part(root / "exams_part2.hdf5", {2004: np.zeros((4000, 12)), 2005: tracing(1, 100)})
    store = prepare("code_15", root)
    assert store.manifest["dropped"] == {
        "file missing": 1,
        "index fields contradict": 1,
        "key field missing": 1,
        "all samples missing": 1,
    }
    assert store.manifest["kept"] == N + 1
    assert store.manifest["unreadable"] == {"exams.csv trace_file": 1}


def test_a_tree_without_its_files_says_what_to_do(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    write_exams(root, [{"exam_id": 1}])
    config = data_config("code_15", root, tmp_path)
    (root / "exams_part0.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"none of the files that exams.csv names \(unzip exams_part0.zip"):
        config.read_index()
    (root / "exams_part0.hdf5").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match=r"exams_part0.hdf5 is no HDF5 file with a dataset exam_id; fetch it"):
        config.read_index()


def _linked(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "file.hdf5", "w") as file:
        file["tracings"] = h5py.ExternalLink(str(folder / "other.hdf5"), "/tracings")


def _external(folder: Path) -> None:
    import h5py

    (folder / "raw").write_bytes(bytes(4 * 12 * 10))
    with h5py.File(folder / "file.hdf5", "w") as file:
        file.create_dataset("tracings", (1, 10, 12), "f4", external=[(str(folder / "raw"), 0, h5py.h5f.UNLIMITED)])


def _virtual(folder: Path) -> None:
    import h5py

    layout = h5py.VirtualLayout((1, 10, 12), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.hdf5"), "tracings", (1, 10, 12))
    with h5py.File(folder / "file.hdf5", "w") as file:
        file.create_virtual_dataset("tracings", layout)


def _vast_chunk(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "file.hdf5", "w") as file:
        file.create_dataset("tracings", (4096, 4096, 12), "f4", chunks=(4096, 4096, 12), compression="gzip")


def _texts(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "file.hdf5", "w") as file:
        file.create_dataset("tracings", (1, 10, 12), h5py.string_dtype())


def _eight_leads(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "file.hdf5", "w") as file:
        file["tracings"] = np.ones((1, 10, 8), np.float32)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_linked, Drop.FILE_UNREADABLE),
        (_external, Drop.FILE_UNREADABLE),
        (_virtual, Drop.FILE_UNREADABLE),
        (_vast_chunk, Drop.FILE_UNREADABLE),
        (_texts, Drop.FORMAT),
        (_eight_leads, Drop.LEADS),
        (lambda folder: (folder / "file.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), Drop.FILE_UNREADABLE),
    ],
)
def test_a_file_that_leads_elsewhere_or_is_none_is_refused(
    tmp_path: Path, write: Callable[[Path], object], reason: Drop
) -> None:
    write_part(tmp_path / "other.hdf5", {1: tracing(1, 10)}, 10)
    write(tmp_path)
    with pytest.raises(BadRecordError) as caught:
        READER.describe("file.hdf5/0", TreeFiles(f"{tmp_path}/", follow=False))
    assert caught.value.reason == reason
