"""Recordings of several segments, of several samples a frame, without a length, and with old comments."""

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
from ecgmm.data.sources.waveform_reader import Layout, WaveformReader
from ecgmm.data.sources.wfdb_reader import WFDB, WfdbReader
from ecgmm.leads import LEADS
from tests.data.trees import write_record

TREE = TreeFiles("", follow=True)
GAIN = "200.0(0)/mV"


def steps(n: int, seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-900, 900, (12, n)).astype(np.int16)


def read(record: Path, own: WaveformReader = WFDB) -> tuple[NDArray[np.float64], Layout]:
    """Float64 ``[12, T]`` in mV, NaN where missing, with checksums compared."""
    layout, _, checksums = own.describe(str(record), TREE)
    check_sizes(str(record), layout, own, TREE)
    samples, reasons = own.read([str(record)], layout, np.array([checksums], dtype=np.uint16))
    if reasons[0]:
        raise BadRecordError(reasons[0])
    values = samples[0] / np.array(layout.gains_per_mv)[:, None]
    values[samples[0] == np.iinfo(samples.dtype).min] = np.nan
    return values, layout


def write_segments(folder: Path, listed: bool = False) -> NDArray[np.float64]:
    """100 samples, a gap of 30, 50 samples; returns what it holds in mV."""
    write_record(folder / "rec_1", steps(100, 1), LEADS, GAIN, start="")
    write_record(folder / "rec_2", steps(50, 2), LEADS[::-1], GAIN, start="")
    lines = ["rec_1 100", "~ 30", "rec_2 50"]
    if listed:
        heads = [f"~ 16 {GAIN} 16 0 0 0 0 {name}" for name in LEADS]
        (folder / "rec_0.hea").write_text("\n".join(["rec_0 12 500 0", *heads]) + "\n")
        lines.insert(0, "rec_0 0")
    head = f"rec/{len(lines)} 12 500 180 12:00:00 01/02/2003"
    (folder / "rec.hea").write_text("\n".join([head, *lines]) + "\n")
    return np.concatenate([steps(100, 1) / 200, np.full((12, 30), np.nan), steps(50, 2) / 200], axis=1)


@pytest.mark.parametrize("listed", [False, True])
def test_segments_follow_one_another_and_gaps_are_missing(tmp_path: Path, listed: bool) -> None:
    wanted = write_segments(tmp_path, listed)
    values, layout = read(tmp_path / "rec")
    np.testing.assert_array_equal(values, wanted)
    assert (layout.reader, layout.n_samples, layout.rate_hz) == ("wfdb_segments", 180, 500)
    assert WFDB.describe(str(tmp_path / "rec"), TREE).start == "12:00:00 01/02/2003"
    if listed:  # of segments whose leads differ in order wfdb needs the list
        by_wfdb = wfdb.rdrecord(str(tmp_path / "rec"))
        np.testing.assert_array_equal(by_wfdb.p_signal.T[[by_wfdb.sig_name.index(name) for name in LEADS]], wanted)


def test_segments_may_lack_leads(tmp_path: Path) -> None:
    wanted = write_segments(tmp_path)
    write_record(tmp_path / "rec_2", steps(50, 2), LEADS[:5], GAIN, start="")
    wanted[5:, 130:] = np.nan
    values, layout = read(tmp_path / "rec")
    np.testing.assert_array_equal(values, wanted)
    assert layout.recorded == (True,) * 12
    write_record(tmp_path / "rec_1", steps(100, 1), LEADS[:5], GAIN, start="")
    with pytest.raises(BadRecordError, match="leads"):
        read(tmp_path / "rec")
    assert read(tmp_path / "rec", WfdbReader(some_leads=True))[1].recorded == (True,) * 5 + (False,) * 7


def edit(file: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_text((folder / file).read_text().replace(old, new))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (edit("rec_2.hea", "200.0(0)", "200.0(7)"), Drop.SEGMENTS),
        (edit("rec_2.hea", "rec_2 12 500", "rec_2 12 250"), Drop.SEGMENTS),
        (edit("rec.hea", "12 500 180", "12 250 180"), Drop.SEGMENTS),
        (edit("rec.hea", "rec_2 50", "rec_2 49"), Drop.HEADER_BROKEN),
        (edit("rec.hea", "rec/3", "rec/4"), Drop.HEADER_BROKEN),
        (edit("rec.hea", "rec_2 50", "../rec_2 50"), Drop.HEADER_BROKEN),
        (edit("rec.hea", "rec_2 50", "rec 50"), Drop.FORMAT),  # itself
        (lambda folder: (folder / "rec_2.hea").unlink(), Drop.FILE_MISSING),
        (lambda folder: (folder / "rec_2.dat").write_bytes(bytes(1199)), Drop.SIZE),
        (lambda folder: (folder / "rec_2.dat").write_bytes(bytes(1200)), Drop.CHECKSUM),
    ],
)
def test_segments_that_do_not_fit_are_refused(tmp_path: Path, damage: Callable[[Path], object], reason: Drop) -> None:
    write_segments(tmp_path)
    damage(tmp_path)
    with pytest.raises(BadRecordError) as caught:
        read(tmp_path / "rec")
    assert caught.value.reason is reason


def test_each_sample_of_a_frame_is_one(tmp_path: Path) -> None:
    """Leads of four samples a frame beside a channel of one: frames of 125 Hz are leads of 500 Hz."""
    leads, pulse = steps(80).astype(np.int64), np.arange(20, dtype=np.int64)
    frames = np.concatenate([leads.reshape(12, 20, 4).swapaxes(0, 1).reshape(20, 48), pulse[:, None]], axis=1)
    (tmp_path / "rec.dat").write_bytes(frames.astype("<i2").tobytes())
    sums = leads.sum(axis=1) % 65536
    lines = [
        f"rec.dat 16x4 {GAIN} 16 0 {row[0]} {total} 0 {name}"
        for row, total, name in zip(leads, sums, LEADS, strict=True)
    ]
    lines += [f"rec.dat 16 1/mmHg 16 0 0 {pulse.sum()} 0 ABP"]
    (tmp_path / "rec.hea").write_text("\n".join(["rec 13 125 20", *lines]).replace("1/mmHg", "1/mV") + "\n")
    values, layout = read(tmp_path / "rec")
    assert (layout.rate_hz, layout.n_samples) == (500, 80)
    np.testing.assert_array_equal(values, leads / 200)
    by_wfdb = wfdb.rdrecord(str(tmp_path / "rec"), smooth_frames=False)
    np.testing.assert_array_equal(values, np.stack(by_wfdb.e_p_signal[:12]))


def test_the_size_of_the_file_tells_a_length_that_the_header_leaves_out(tmp_path: Path) -> None:
    write_record(tmp_path / "rec", steps(77), LEADS, GAIN, start="")
    header = tmp_path / "rec.hea"
    header.write_text(header.read_text().replace("rec 12 500 77", "rec 12 500"))
    values, _ = read(tmp_path / "rec")
    np.testing.assert_array_equal(values, steps(77) / 200)
    (tmp_path / "rec.dat").write_bytes(bytes(25))
    with pytest.raises(BadRecordError, match="wrong size"):
        read(tmp_path / "rec")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
def test_comments_may_be_in_old_letters_and_a_mark_may_come_first(tmp_path: Path, encoding: str) -> None:
    write_record(tmp_path / "rec", steps(10), LEADS, GAIN, start="")
    header = tmp_path / "rec.hea"
    header.write_bytes(f"{header.read_text()}# Müller, Ärztin\n".encode(encoding))
    values, layout = read(tmp_path / "rec")
    assert layout.reader == "wfdb_16"
    np.testing.assert_array_equal(values, steps(10) / 200)


def test_a_unit_in_old_letters_is_not_taken_for_another(tmp_path: Path) -> None:
    write_record(tmp_path / "rec", steps(10), LEADS, "0.2(0)/µV", start="")
    header = tmp_path / "rec.hea"
    header.write_bytes(header.read_text().encode("latin-1"))
    with pytest.raises(BadRecordError, match="not UTF-8"):  # wfdb leaves the letter out and reads volts
        read(tmp_path / "rec")


def test_segments_make_the_row_of_a_prediction(tmp_path: Path) -> None:
    wanted = write_segments(tmp_path)
    row = read_single_record(tmp_path / "rec.hea", 500, 180, 5.0).steps[0]
    np.testing.assert_array_equal(row == -32768, np.isnan(wanted))
