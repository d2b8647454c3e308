"""Records that the fast reader leaves are read as ``wfdb`` reads them and as their format says, or refused."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from ecgmm.data.preparation.header_pass import check_sizes
from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.tree_files import TreeFiles
from ecgmm.data.sources.waveform_reader import Layout
from ecgmm.data.sources.wfdb_reader import WFDB
from ecgmm.leads import LEADS
from tests.data.trees import MIMIC_ORDER, SHORT, MimicTree, prepare, write_record
from tests.data.wfdb_formats import PACKED, pack_24, pack_212, pack_311

N_TIMES = 50
TREE = TreeFiles("", follow=True)
UNITS_PER_MV = {"mV": 1.0, "uV": 1e3, "V": 1e-3}


def steps_of(n_bits: int, n_channels: int = 12) -> NDArray[np.int64]:
    """int64 ``[T, channels]``: noise with both ends of the range and the missing value in it."""
    highest = 2 ** (n_bits - 1) - 1
    steps = np.random.default_rng(n_bits).integers(-highest, highest + 1, (N_TIMES, n_channels))
    steps[3, 2], steps[4, 2], steps[5:9, 7] = highest, -highest, -highest - 1
    return steps


def write_header(
    base: Path, steps: NDArray[np.int64], files: list[str], gain: str = "200(-3)/mV", names: tuple[str, ...] = LEADS
) -> None:
    """Header of channels; ``files`` are their file and format, as in ``rec.dat 16``."""
    rows = zip(files, steps[0], steps.sum(axis=0) % 65536, names, strict=True)
    lines = [f"{file} {gain} 16 0 {first} {checksum} 0 {name}" for file, first, checksum, name in rows]
    base.with_suffix(".hea").write_text("\n".join([f"rec {len(lines)} 500 {len(steps)}", *lines]) + "\n")


def millivolts(record: Path) -> tuple[NDArray[np.float64], Layout]:
    """Float64 ``[12, T]`` by our reader, NaN where missing, with checksums compared."""
    layout, _, checksums = WFDB.describe(str(record), TREE)
    check_sizes(str(record), layout, WFDB, TREE)
    samples, reasons = WFDB.read([str(record)], layout, np.array([checksums], dtype=np.uint16))
    assert reasons == [None]
    [steps] = samples
    values = (steps - np.array(layout.baselines)[:, None]) / np.array(layout.gains_per_mv)[:, None]
    values[steps == np.iinfo(samples.dtype).min] = np.nan
    return values, layout


def by_wfdb(record: Path) -> NDArray[np.float64]:
    """The same by ``wfdb``, in mV."""
    read = wfdb.rdrecord(str(record))
    upper = [name.strip().upper() for name in read.sig_name]
    order = [upper.index(name.upper()) for name in LEADS]
    per_mv = np.array([UNITS_PER_MV[read.units[channel]] for channel in order])[:, None]
    values: NDArray[np.float64] = read.p_signal.T[order] / per_mv
    return values


@pytest.mark.parametrize("format_", PACKED)
@pytest.mark.parametrize("before", ["", "+24"])
def test_every_format_is_read_by_its_definition_and_as_by_wfdb(tmp_path: Path, format_: str, before: str) -> None:
    n_bits, pack = PACKED[format_]
    steps = steps_of(n_bits)
    write_header(tmp_path / "rec", steps, [f"rec.dat {format_}{before}"] * 12)
    (tmp_path / "rec.dat").write_bytes(bytes(24 if before else 0) + pack(steps.reshape(-1)))
    read, layout = millivolts(tmp_path / "rec")
    np.testing.assert_array_equal(read, by_wfdb(tmp_path / "rec"))
    wanted = np.where(steps == -(2 ** (n_bits - 1)), np.nan, (steps + 3) / 200)
    np.testing.assert_array_equal(read, wanted.T)
    assert layout.reader == ("wfdb_16" if format_ == "16" else "wfdb_package")


def test_differences_are_summed_from_the_first_value(tmp_path: Path) -> None:
    steps = np.cumsum(np.random.default_rng(0).integers(-120, 120, (N_TIMES, 12)), axis=0) + 5000
    write_header(tmp_path / "rec", steps, ["rec.dat 8"] * 12)
    differences = np.diff(steps, axis=0, prepend=steps[:1])  # the header holds the first value
    (tmp_path / "rec.dat").write_bytes(differences.astype(np.int8).tobytes())
    read, _ = millivolts(tmp_path / "rec")
    np.testing.assert_array_equal(read, by_wfdb(tmp_path / "rec"))
    np.testing.assert_array_equal(read, (steps.T + 3) / 200)


@pytest.mark.parametrize("format_", ["80", "212", "24", "32"])
def test_records_that_wfdb_writes_are_read(tmp_path: Path, format_: str) -> None:
    signal = np.random.default_rng(1).normal(0, 1, (N_TIMES, 12))
    signal[5:7, 4] = np.nan
    wfdb.wrsamp("rec", 500, ["mV"] * 12, list(MIMIC_ORDER), signal, fmt=[format_] * 12, write_dir=str(tmp_path))
    read, _ = millivolts(tmp_path / "rec")
    np.testing.assert_array_equal(read, by_wfdb(tmp_path / "rec"))


def test_several_files_of_several_formats_and_channels_beside_the_twelve(tmp_path: Path) -> None:
    """As the PTB Diagnostic ECG Database has them: three Frank leads in a file of their own, names in small letters."""
    steps = steps_of(12, 15)
    names = tuple(name.lower() for name in (*MIMIC_ORDER, "vx", "vy", "vz"))
    files = [*["rec_re.dat 16"] * 5, *["rec.d2 212"] * 7, *["rec.xyz 61"] * 3]
    write_header(tmp_path / "rec", steps, files, names=names)
    parts = {"rec_re.dat": ("16", steps[:, :5]), "rec.d2": ("212", steps[:, 5:12]), "rec.xyz": ("61", steps[:, 12:])}
    for file, (format_, part) in parts.items():
        (tmp_path / file).write_bytes(PACKED[format_][1](part.reshape(-1)))
    read, layout = millivolts(tmp_path / "rec")
    np.testing.assert_array_equal(read, by_wfdb(tmp_path / "rec"))
    assert [name for name, _ in WFDB.sizes("rec", layout)] == list(parts)


@pytest.mark.parametrize(("gain", "per_mv"), [("0.2/uV", 200.0), ("0.2/µV", 200.0), ("200000(0)/V", 200.0)])
@pytest.mark.parametrize("format_", ["16", "24"])
def test_units_become_millivolts(tmp_path: Path, gain: str, per_mv: float, format_: str) -> None:
    steps = steps_of(16)
    write_header(tmp_path / "rec", steps, [f"rec.dat {format_}"] * 12, gain)
    (tmp_path / "rec.dat").write_bytes(PACKED[format_][1](steps.reshape(-1)))
    read, layout = millivolts(tmp_path / "rec")
    assert layout.gains_per_mv == (per_mv,) * 12
    if "µ" not in gain:  # wfdb passes over the sign and takes it for volts
        np.testing.assert_allclose(read, by_wfdb(tmp_path / "rec"), rtol=1e-12)


def test_a_wide_record_is_one_row_of_a_store_and_of_a_prediction(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    plain = prepare("mimic_iv_ecg", tree.root, SHORT, f"data.store={tmp_path}/plain")
    assert plain.manifest["readers"] == {"wfdb_16": 30}
    for number in (4, 5):
        stem = tree.file(number, "")
        steps = np.fromfile(tree.file(number, ".dat"), dtype="<i2").astype(np.int64)
        text = tree.file(number, ".hea").read_text().replace(".dat 16 ", ".dat 24 ")
        tree.file(number, ".hea").write_text(text)
        tree.file(number, ".dat").write_bytes(pack_24(steps))
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert store.manifest["readers"] == {"wfdb_16": 28, "wfdb_package": 2}
    np.testing.assert_array_equal(store.waveforms, plain.waveforms)
    assert store.records.equals(plain.records)
    assert store.fingerprint == plain.fingerprint  # who read it is not what it is
    row = store.records["record"].to_list().index(40_000_005)
    np.testing.assert_array_equal(read_single_record(stem, 500, 500, 5.0).steps[0], store.waveforms[row])


def damage(old: str, new: str) -> Callable[[Path], object]:
    def edit(base: Path) -> None:
        text = base.with_suffix(".hea").read_text()
        assert old in text
        base.with_suffix(".hea").write_text(text.replace(old, new, 1))

    return edit


REFUSED: dict[str, tuple[Callable[[Path], object], Drop]] = {
    "flac": (damage("rec.dat 212", "rec.dat 516"), Drop.FORMAT),
    "frames": (damage("rec.dat 212", "rec.dat 212x2"), Drop.FORMAT),
    "skew": (damage("rec.dat 212", "rec.dat 212:4"), Drop.FORMAT),
    "two formats in a file": (damage("rec.dat 212", "rec.dat 16"), Drop.FORMAT),
    "another record's file": (damage("rec.dat", "other.dat"), Drop.HEADER_NAME),
    "another folder's file": (damage("rec.dat", "../rec.dat"), Drop.HEADER_NAME),
    "eleven leads and another": (damage(" V6", " VX"), Drop.LEADS),
    "more channels than any": (damage("rec 12", "rec 65"), Drop.LEADS),
    "pressure": (damage("/mV", "/mmHg"), Drop.UNIT),
    "a byte more": (lambda base: base.with_suffix(".dat").open("ab").write(b"1"), Drop.SIZE),
    "no file": (lambda base: base.with_suffix(".dat").unlink(), Drop.FILE_MISSING),
    "a flipped bit": (lambda base: base.with_suffix(".dat").write_bytes(bytes(900)), Drop.CHECKSUM),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_under_its_reason(tmp_path: Path, what: str) -> None:
    steps = np.ones((N_TIMES, 12), dtype=np.int64)
    write_header(tmp_path / "rec", steps, ["rec.dat 212"] * 12)
    (tmp_path / "rec.dat").write_bytes(pack_212(steps.reshape(-1)))
    change, reason = REFUSED[what]
    change(tmp_path / "rec")
    assert reason_of(tmp_path / "rec") is reason


def reason_of(record: Path) -> Drop | None:
    try:
        layout, _, checksums = WFDB.describe(str(record), TREE)
        check_sizes(str(record), layout, WFDB, TREE)
    except BadRecordError as error:
        return error.reason
    return WFDB.read([str(record)], layout, np.array([checksums], dtype=np.uint16)).reasons[0]


def test_unused_bits_that_wfdb_would_read_are_refused(tmp_path: Path) -> None:
    steps = np.full((N_TIMES, 12), -5, dtype=np.int64)
    write_header(tmp_path / "rec", steps, ["rec.dat 311"] * 12)
    packed = np.frombuffer(pack_311(steps.reshape(-1)), dtype="<u4") | 1 << 30
    (tmp_path / "rec.dat").write_bytes(packed.astype("<u4").tobytes())
    assert np.nanmax(by_wfdb(tmp_path / "rec")) > 512 / 200  # beyond ten bits
    layout, _, _ = WFDB.describe(str(tmp_path / "rec"), TREE)
    assert WFDB.read([str(tmp_path / "rec")], layout, None).reasons == [Drop.FILE_UNREADABLE]


def test_a_plain_record_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(tmp_path / "rec", np.full((12, N_TIMES), 7, dtype=np.int16))
    monkeypatch.setitem(sys.modules, "wfdb", None)
    assert read_single_record(tmp_path / "rec.hea", 500, N_TIMES, 5.0).steps[0].max() == 7
