"""DICOM, aECG, MUSE XML, SCP-ECG and EDF give the millivolts that were written, or are refused in one sentence."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.sources.any_reader import ANY_LEADS, AnyReader
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.errors import ConfigError, DataError
from ecgmm.leads import LEADS
from tests.data.device_files import write_aecg, write_dicom, write_edf, write_muse, write_scp

needs_package = pytest.mark.skipif(
    find_spec("ecgdatakit") is None or find_spec("pydicom") is None, reason="ecgdatakit is an extra (formats)"
)
UV = 2.5
TREE = TreeFiles("", follow=True)
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
Steps = NDArray[np.int16]
WRITE: dict[str, Callable[[Path, Steps, tuple[str, ...]], object]] = {
    "rec.edf": lambda path, steps, names: write_edf(path, steps, names, 500, UV, "uV"),
    "rec_mv.EDF": lambda path, steps, names: write_edf(path, steps, names, 500, UV, "mV"),
    "rec.dcm": lambda path, steps, names: write_dicom(path, steps, names, 500, UV),
    "aecg.xml": lambda path, steps, names: write_aecg(path, steps, names, 500, UV),
    "muse.xml": lambda path, steps, names: write_muse(path, steps, names, 500, UV),
    "rec.scp": lambda path, steps, names: write_scp(path, steps, names, 500, UV),
}
every_format = pytest.mark.parametrize("file", WRITE)


def steps_of(n_leads: int = 12) -> Steps:
    """int16 ``[L, 1000]``, two seconds below 5 mV."""
    random = np.random.default_rng(n_leads)
    return np.clip(np.cumsum(random.integers(-40, 41, (n_leads, 1000)), axis=1), -2000, 2000).astype(np.int16)


def millivolts(file: Path) -> tuple[NDArray[np.float64], tuple[bool, ...], float]:
    layout, _, checksums = ANY_LEADS.describe(str(file), TREE)
    assert ANY_LEADS.sizes(str(file), layout) == ()
    samples, reasons = ANY_LEADS.read([str(file)], layout, np.array([checksums], dtype=np.uint16))
    assert reasons == [None]
    return samples[0] / np.array(layout.gains_per_mv)[:, None], layout.recorded, layout.rate_hz


@needs_package
@every_format
def test_a_file_gives_the_millivolts_that_were_written(tmp_path: Path, file: str) -> None:
    steps, names = steps_of(), (*LEADS[3:], *LEADS[:3])
    WRITE[file](tmp_path / file, steps, names)
    read, recorded, rate_hz = millivolts(tmp_path / file)
    assert recorded == (True,) * 12
    assert rate_hz == 500
    np.testing.assert_allclose(read, np.roll(steps, 3, axis=0) * UV / 1000, atol=6e-6)


@needs_package
@every_format
def test_four_leads_that_were_not_recorded_are_derived(tmp_path: Path, file: str) -> None:
    steps = steps_of(8)
    WRITE[file](tmp_path / file, steps, EIGHT)
    row = read_single_record(tmp_path / file, 500, 1000, UV).steps[0].astype(int)
    kept = [LEADS.index(name) for name in EIGHT if name not in ("III", "aVR", "aVL", "aVF")]
    np.testing.assert_array_equal(row[kept], steps)  # MUSE's own four may be there as well
    np.testing.assert_allclose(row[LEADS.index("III")], steps[1].astype(int) - steps[0], atol=1)
    np.testing.assert_allclose(row[LEADS.index("aVR")], -(steps[1].astype(int) + steps[0]) / 2, atol=1)


@needs_package
@pytest.mark.parametrize("write", [write_dicom, write_aecg])
def test_a_rate_that_is_no_whole_number_stays_one(tmp_path: Path, write: Callable[..., None]) -> None:
    file = tmp_path / ("rec.dcm" if write is write_dicom else "rec.xml")
    write(file, steps_of(), LEADS, 1000 / 3, UV)
    assert millivolts(file)[2] == pytest.approx(1000 / 3, rel=1e-6)


def entities(path: Path) -> None:
    write_aecg(path, steps_of(), LEADS, 500, UV)
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    path.write_text(path.read_text().replace("<AnnotatedECG", f"{bomb}<AnnotatedECG", 1))


def deflated(path: Path) -> None:
    write_dicom(path, steps_of(), LEADS, 500, UV)
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99\0", 1))


def header_of_another_file(path: Path) -> None:
    """What the package would take for WFDB, and open the file that it names."""
    path.write_text("rec 1 500 10\n/etc/passwd 16 200 16 0 0 0 0 I\n")


def truncated(path: Path) -> None:
    write_scp(path, steps_of(), LEADS, 500, UV)
    path.write_bytes(path.read_bytes()[:-2])


def flipped(path: Path) -> None:
    write_scp(path, steps_of(), LEADS, 500, UV)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def pressure(path: Path) -> None:
    write_edf(path, steps_of(), LEADS, 500, 1.0, "mmHg")


def others(path: Path) -> None:
    write_edf(path, steps_of(2), ("SpO2", "Pleth"), 500, 1.0, "uV")


def vast(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate((1 << 26) + 1)


REFUSED: dict[str, tuple[str, Callable[[Path], object], Drop]] = {
    "entities": ("rec.xml", entities, Drop.FILE_UNREADABLE),
    "deflated": ("rec.dcm", deflated, Drop.FORMAT),
    "another file": ("rec.xml", header_of_another_file, Drop.FORMAT),
    "a page": ("rec.xml", lambda path: path.write_text("<html></html>"), Drop.FORMAT),
    "truncated": ("rec.scp", truncated, Drop.FILE_UNREADABLE),
    "a flipped bit": ("rec.scp", flipped, Drop.CHECKSUM),
    "pressure": ("rec.edf", pressure, Drop.UNIT),
    "other leads": ("rec.edf", others, Drop.LEADS),
    "too large": ("rec.edf", vast, Drop.SIZE),
    "absent": ("rec.dcm", lambda path: None, Drop.FILE_MISSING),
}


@needs_package
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_under_its_reason(tmp_path: Path, what: str) -> None:
    name, write, reason = REFUSED[what]
    write(tmp_path / name)
    with pytest.raises(DataError, match=reason.value):
        read_single_record(tmp_path / name, 500, 1000, UV)


@needs_package
def test_an_archive_of_twelve_leads_takes_no_two(tmp_path: Path) -> None:
    write_edf(tmp_path / "rec.edf", steps_of(2), ("I", "II"), 500, UV, "uV")
    with pytest.raises(BadRecordError, match="leads"):
        AnyReader(some_leads=False).describe(str(tmp_path / "rec.edf"), TREE)
    _, recorded, _ = millivolts(tmp_path / "rec.edf")
    assert sum(recorded) == 2


def test_without_the_package_the_sentence_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ecgdatakit", None)
    monkeypatch.setitem(sys.modules, "ecgdatakit.exceptions", None)
    write_edf(tmp_path / "rec.edf", steps_of(), LEADS, 500, UV, "uV")
    with pytest.raises(ConfigError, match=r"ecgdatakit is not installed; run pip install 'ecgmm\[formats\]'"):
        read_single_record(tmp_path / "rec.edf", 500, 1000, UV)
