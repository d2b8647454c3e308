"""Headers and samples are read as ``wfdb`` reads them; what cannot be read is refused under its reason."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgmm.data.sources.drops import BadRecordError, Drop
from ecgmm.data.sources.wfdb16 import HeaderReader, Wfdb16Layout, Wfdb16Reader, checksums_agree, read_samples
from ecgmm.leads import LEADS, channel_of_each_lead
from tests.data.trees import MIMIC_ORDER, naming_steps, write_record

SHARED = Path(__file__).parents[3] / "../shared/data"


@pytest.mark.parametrize(
    "gain",
    ["200.0(0)/mV", "200", "1000.5(-12)/mV", "200(7)/mV", "2.5e2/mV"],
    ids=["mimic", "bare", "odd", "int", "exp"],
)
def test_gain_and_baseline_agree_with_wfdb(tmp_path: Path, gain: str) -> None:
    steps = naming_steps(50)
    steps[3, 10:20] = -32768
    write_record(tmp_path / "rec", steps, gain=gain)
    layout = HeaderReader().read(tmp_path / "rec.hea").layout
    record = wfdb.rdrecord(str(tmp_path / "rec"))
    order = list(layout.channels)
    assert [record.sig_name[channel] for channel in order] == list(LEADS)
    np.testing.assert_array_equal(np.array(record.adc_gain)[order], layout.gains_per_mv)
    np.testing.assert_array_equal(np.array(record.baseline)[order], layout.baselines)
    stored = np.empty((50, 12), dtype=np.int16)
    read_samples(tmp_path / "rec.dat", stored)
    millivolts = (stored.T[order] - np.array(layout.baselines)[:, None]) / np.array(layout.gains_per_mv)[:, None]
    millivolts[stored.T[order] == -32768] = np.nan
    np.testing.assert_allclose(millivolts, record.p_signal.T[order], rtol=1e-12)


def test_known_headers_are_not_parsed_again_but_keep_their_own_fields(tmp_path: Path) -> None:
    reader = HeaderReader()
    headers = []
    for number in range(3):
        write_record(tmp_path / f"{number}", naming_steps(50) + np.int16(number), start=f"12:04:0{number} 22/09/2182")
        headers.append(reader.read(tmp_path / f"{number}.hea"))
    assert headers[0].layout is headers[1].layout is headers[2].layout
    assert [header.start[:8] for header in headers] == ["12:04:00", "12:04:01", "12:04:02"]
    assert len({header.checksums for header in headers}) == 3


def test_a_header_of_other_gain_after_a_known_one_is_not_taken_for_it(tmp_path: Path) -> None:
    reader = HeaderReader()
    write_record(tmp_path / "a", naming_steps(50))
    write_record(tmp_path / "b", naming_steps(50), gain="1000(0)/mV")
    write_record(tmp_path / "c", naming_steps(50), leads=MIMIC_ORDER[::-1])
    layouts = [reader.read(tmp_path / f"{name}.hea").layout for name in "abc"]
    assert layouts[1].gains_per_mv == (1000.0,) * 12
    assert layouts[2].channels == tuple(channel_of_each_lead(MIMIC_ORDER[::-1])) != layouts[0].channels


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("rec 12", "other 12", Drop.HEADER_NAME),
        ("rec.dat 16 200.0(0)/mV 16 0 -30000", "../rec.dat 16 200.0(0)/mV 16 0 -30000", Drop.HEADER_NAME),
        ("rec 12", "rec 11", Drop.LEADS),
        ("0 V6", "0 V7", Drop.LEADS),
        ("0 V6", "0 V5", Drop.LEADS),
        ("rec.dat 16 ", "rec.dat 212 ", Drop.FORMAT),
        ("200.0(0)/mV", "0(0)/mV", Drop.GAIN),
        ("200.0(0)/mV", "nan(0)/mV", Drop.GAIN),
        ("200.0(0)/mV", "inf/mV", Drop.GAIN),
        ("200.0(0)/mV", "200/mmHg", Drop.UNIT),
        ("200.0(0)/mV", "a(b)/mV", Drop.HEADER_BROKEN),
        ("rec 12 500 50", "rec 12 500 many", Drop.HEADER_BROKEN),
        ("rec 12 500 50", "rec 12 500 0", Drop.HEADER_BROKEN),
        ("rec.dat 16 200.0(0)/mV 16 0 -30000", "rec.dat 16", Drop.HEADER_BROKEN),
        (" 0 V6", " 0", Drop.HEADER_BROKEN),
        ("V6\n", "V6\nrec.dat 16 200.0(0)/mV 16 0 0 0 0 V7\n", Drop.HEADER_BROKEN),
        (" 0 I\nrec.dat", " 0 I rec.dat", Drop.HEADER_BROKEN),
        (" 16 0 -30000 ", " 16 0 +30000 ", Drop.HEADER_BROKEN),
        (" 16 0 -30000 ", " 16 zero -30000 ", Drop.HEADER_BROKEN),
        ("200.0(0)/mV", "2_00(0)/mV", Drop.HEADER_BROKEN),
        ("200.0(0)/mV", "２００(0)/mV", Drop.HEADER_BROKEN),
        ("200.0(0)/mV", "1e-310/mV", Drop.GAIN),
        ("200.0(0)/mV", "1e308/mV", Drop.GAIN_RANGE),
        ("200.0(0)/mV", "0.99/mV", Drop.GAIN_RANGE),
        ("200.0(0)/mV", "-1310721/mV", Drop.GAIN_RANGE),
        ("rec.dat 16 ", "rec.dat 16x2 ", Drop.FORMAT),
        ("rec.dat 16 ", "rec.dat 16:3 ", Drop.FORMAT),
        ("rec.dat 16 200.0(0)/mV 16 0 -30000", "rec.dat 16+24 200.0(0)/mV 16 0 -30000", Drop.FORMAT),
        ("rec.dat 16 200.0(0)/mV 16 0 -30000", "rec.mat 16 200.0(0)/mV 16 0 -30000", Drop.FORMAT),
        ("12:04:00 22/09/2182", "31-Feb-2020 12:04:00", Drop.HEADER_BROKEN),
        ("12:04:00 22/09/2182", "05-Mai-2020 12:04:00", Drop.HEADER_BROKEN),
        ("200.0(0)/mV", f"200.0({'9' * 5000})/mV", Drop.HEADER_BROKEN),
        ("rec 12 500 50", "rec 12 500 ５０", Drop.HEADER_BROKEN),
        ("rec 12 500 50", f"rec 12 500 {'9' * 5000}", Drop.HEADER_BROKEN),
        ("rec 12 500 50", "rec 12 500 9999999999", Drop.SIZE),
        ("rec 12 500 50", "rec 12 500/x 50", Drop.HEADER_BROKEN),
        ("12:04:00 22/09/2182", "12:04:00 31/02/2182", Drop.HEADER_BROKEN),
        ("12:04:00 22/09/2182", "24:00:00 22/09/2182", Drop.HEADER_BROKEN),
        ("12:04:00 22/09/2182", "12:04:00 22/09/2182 more", Drop.HEADER_BROKEN),
        ("# <subject_id>: 1", "# <subject_id>: 1" + 70_000 * "#", Drop.HEADER_BROKEN),
    ],
)
def test_damaged_headers_are_refused_under_their_reason(tmp_path: Path, old: str, new: str, reason: Drop) -> None:
    write_record(tmp_path / "rec", naming_steps(50))
    reader = HeaderReader()
    reader.read(tmp_path / "rec.hea")  # so that the cache could be fooled
    text = (tmp_path / "rec.hea").read_text()
    assert old in text
    (tmp_path / "rec.hea").write_text(text.replace(old, new))
    with pytest.raises(BadRecordError) as raised:
        reader.read(tmp_path / "rec.hea")
    assert raised.value.reason is reason


@pytest.mark.parametrize("format_", ["16+24", "16x1+24"])
@pytest.mark.parametrize("start", ["", "05-May-2020 09:49:17"])
def test_mat_files_of_the_cinc_challenges_are_read_as_by_wfdb(tmp_path: Path, format_: str, start: str) -> None:
    reader = HeaderReader()
    for name in ("E00001", "E00002"):  # the second is recognised by the form of the first
        write_record(tmp_path / name, naming_steps(50), gain="1000/mV", start=start)
        header = tmp_path / f"{name}.hea"
        header.write_text(header.read_text().replace(".dat 16 ", f".mat {format_} ") + "#Age: 56\n#Dx: 426783006\n")
        (tmp_path / f"{name}.mat").write_bytes(bytes(24) + (tmp_path / f"{name}.dat").read_bytes())
        description = reader.read(header)
        layout = description.layout
        assert description.start == ("09:49:17 05/05/2020" if start else "")
        [samples], reasons = Wfdb16Reader().read([str(tmp_path / name)], layout, None)
        read = wfdb.rdrecord(str(tmp_path / name), physical=False).d_signal
        np.testing.assert_array_equal(samples, read.T[list(layout.channels)])
        assert reasons == [None]
        assert layout.n_bytes == (tmp_path / f"{name}.mat").stat().st_size
        (tmp_path / f"{name}.mat").write_bytes((tmp_path / f"{name}.dat").read_bytes())
        assert Wfdb16Reader().read([str(tmp_path / name)], layout, None).reasons == [Drop.SIZE]


def test_files_that_are_not_text_or_not_there_are_refused(tmp_path: Path) -> None:
    for content, reason in (
        (b"", Drop.HEADER_BROKEN),
        (b"rec \xff\xfe", Drop.HEADER_ENCODING),
        (None, Drop.FILE_MISSING),
    ):
        path = tmp_path / "rec.hea"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadRecordError) as raised:
            HeaderReader().read(path)
        assert raised.value.reason is reason


@pytest.mark.parametrize("change", [-2, 2])
def test_a_dat_of_other_length_is_refused(tmp_path: Path, change: int) -> None:
    (tmp_path / "rec.dat").write_bytes(bytes(50 * 24 + change))
    with pytest.raises(BadRecordError) as raised:
        read_samples(tmp_path / "rec.dat", np.empty((50, 12), dtype=np.int16))
    assert raised.value.reason is Drop.SIZE


def test_comments_blank_lines_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    write_record(tmp_path / "rec", naming_steps(50))
    plain = HeaderReader().read(tmp_path / "rec.hea")
    lines = (tmp_path / "rec.hea").read_text().splitlines()
    (tmp_path / "rec.hea").write_bytes("\r\n".join([lines[0], "# note", "", *lines[1:]]).encode())
    reader = HeaderReader()
    assert reader.read(tmp_path / "rec.hea") == plain
    (tmp_path / "rec.hea").write_bytes("\r\n".join([*lines, "# é \u2028 rec 11"]).encode())
    assert reader.read(tmp_path / "rec.hea") == reader.read(tmp_path / "rec.hea") == plain


def test_no_number_of_forms_makes_the_reader_forget_or_confuse_one(tmp_path: Path) -> None:
    reader = HeaderReader()
    for _ in range(2):
        for gain in range(1, 40):
            write_record(tmp_path / "rec", naming_steps(50), gain=f"{gain}(0)/mV")
            assert reader.read(tmp_path / "rec.hea").layout.gains_per_mv == (gain,) * 12


def test_checksums_wrap_at_sixteen_bits_and_belong_to_channels() -> None:
    block = np.full((2, 12, 5), 30000, dtype=np.int16)
    block[:, 0] = -1
    wanted = np.full((2, 12), 150_000 % 65536)
    wanted[:, 3] = 65536 - 5
    wanted[1, 7] += 1
    moved = Wfdb16Layout("a test", 500, 5, (200.0,) * 12, (0,) * 12, (3, 0, 1, 2, *range(4, 12)))
    assert checksums_agree(block, moved, wanted).tolist() == [True, False]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real recordings are not beside the project")
@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 40])
def test_real_recordings_are_bit_identical_to_wfdb(every: int) -> None:
    reader = HeaderReader()
    paths = [
        path for name in ("ptb-xl-sample", "ecg-quality-sample") for path in sorted((SHARED / name).rglob("*.hea"))
    ]
    assert len(paths) > 200
    paths = paths[::every]
    for path in paths:
        layout = reader.read(path).layout
        stored = np.empty((layout.n_samples, 12), dtype=np.int16)
        read_samples(path.with_suffix(".dat"), stored)
        record = wfdb.rdrecord(str(path.with_suffix("")), physical=False)
        np.testing.assert_array_equal(stored, record.d_signal)
        assert list(layout.channels) == channel_of_each_lead(record.sig_name)
        assert layout.rate_hz == record.fs
        assert list(layout.gains_per_mv) == [record.adc_gain[channel] for channel in layout.channels]
