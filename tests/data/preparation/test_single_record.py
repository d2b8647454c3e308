"""A record that prediction reads is the row that preparation writes, and refused for what preparation drops it for."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import wfdb

from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.preparation.waveform_blocks import LARGEST_STEP
from ecgmm.data.sources.drops import Drop
from ecgmm.data.store.store import DROPPED, Store
from ecgmm.errors import DataError
from ecgmm.leads import LEADS
from ecgmm.types import MISSING_SAMPLE
from tests.data.trees import MimicTree, prepare, write_ptb_xl, write_record

RATE_HZ = 500


def beats(seed: int, n_samples: int = 5000) -> np.ndarray:
    """int16 ``[12, T]`` of noise and beats, with a gap in one lead, steps of 5 µV."""
    rng = np.random.default_rng(seed)
    beat = 200 * np.exp(-((((np.arange(n_samples) / RATE_HZ) % 0.8 - 0.4) / 0.02) ** 2))
    steps = (beat * rng.uniform(0.5, 1.5, (12, 1)) + rng.normal(0, 4, (12, n_samples))).astype(np.int16)
    steps[seed % 12, 100 : 100 + 10 * (seed % 3)] = MISSING_SAMPLE
    return steps


@pytest.mark.parametrize(
    ("rate_hz", "uv_per_step", "length_s", "pad"),
    [(500, 5, 10, "zero"), (100, 5, 10, "zero"), (250, 2, 10, "zero"), (100, 1, 12, "edge"), (500, 5, 4.2, "zero")],
)
def test_the_row_is_the_same_bit_for_bit(
    tmp_path: Path, rate_hz: int, uv_per_step: float, length_s: float, pad: str
) -> None:
    tree = MimicTree(tmp_path / "tree")
    for number in range(tree.n):
        gain = ("200.0(0)/mV", "1000.0(-7)/mV", "200.0(33)/mV")[number % 3]
        write_record(tree.root / tree.rows[number]["path"], beats(number, 5000 - 7 * (number % 2)), gain=gain)
    store = prepare(
        "mimic_iv_ecg",
        tree.root,
        f"data.rate_hz={rate_hz}",
        f"data.uv_per_step={uv_per_step}",
        f"data.window.length_s={length_s}",
        f"data.window.pad={pad}",
    )
    assert store.records.height == tree.n
    paths = {row["study_id"]: tree.root / row["path"] for row in tree.rows}
    n_times = store.manifest["n_times"]
    for row, record in enumerate(store.records.iter_rows(named=True)):
        read = read_single_record(paths[record["record"]], rate_hz, n_times, uv_per_step, pad)
        np.testing.assert_array_equal(read.steps[0], store.waveforms[row])
        assert read.quality == {name: record[name] for name in read.quality}
        assert read.flat.sum() == record["flat_leads"]


def test_real_recordings_are_read_alike(tmp_path: Path) -> None:
    root = Path(__file__).parents[3] / ".." / "shared" / "data" / "ptb-xl-sample"
    if not (root / "ptbxl_database.csv").exists():
        pytest.skip("needs the sample of PTB-XL beside the checkout")
    from ecgmm.data.preparation.preparation import prepare_store
    from tests.data.trees import data_config  # the tree is read where it lies

    folds = ["data.folds.val=[8]", "data.folds.test=[9,10]", "data.rate_hz=100"]
    store = Store.open(prepare_store(data_config("ptb_xl", root, tmp_path / "stores", *folds)))
    table = pl.read_csv(root / "ptbxl_database.csv", infer_schema_length=None)
    paths = dict(table.select("ecg_id", "filename_lr").iter_rows())
    for row in range(0, store.records.height, max(1, store.records.height // 50)):
        record = store.records["record"][row]
        read = read_single_record(root / paths[record], 100, 1000, store.manifest["uv_per_step"])
        np.testing.assert_array_equal(read.steps[0], store.waveforms[row])


def flip_a_bit(stem: Path) -> None:
    content = bytearray(stem.with_suffix(".dat").read_bytes())
    content[len(content) // 2] ^= 0x40
    stem.with_suffix(".dat").write_bytes(content)


def header(old: str, new: str) -> Callable[[Path], None]:
    def edit(stem: Path) -> None:
        text = stem.with_suffix(".hea").read_text()
        assert old in text
        stem.with_suffix(".hea").write_text(text.replace(old, new, 1))

    return edit


REFUSED: dict[str, tuple[Callable[[Path], object], Drop]] = {
    "a flipped bit": (flip_a_bit, Drop.CHECKSUM),
    "a byte short": (lambda stem: os.truncate(stem.with_suffix(".dat"), 119_999), Drop.SIZE),
    "a byte more": (lambda stem: os.truncate(stem.with_suffix(".dat"), 120_001), Drop.SIZE),
    "no samples": (lambda stem: os.truncate(stem.with_suffix(".dat"), 0), Drop.SIZE),
    "no header": (lambda stem: stem.with_suffix(".hea").unlink(), Drop.FILE_MISSING),
    "no signal file": (lambda stem: stem.with_suffix(".dat").unlink(), Drop.FILE_MISSING),
    "other leads": (header(" V6", " X"), Drop.LEADS),
    "a lead twice": (header(" V6", " V5"), Drop.LEADS),
    "another format": (header(".dat 16 ", ".dat 212 "), Drop.FORMAT),
    "no gain": (header(" 200.0(0)", " 0(0)"), Drop.GAIN),
    "another unit": (header("/mV", "/bpm"), Drop.UNIT),
    "another record's header": (lambda stem: header(f"{stem.name} 12", "7 12")(stem), Drop.HEADER_NAME),
    "garbage": (lambda stem: stem.with_suffix(".hea").write_bytes(b"\xff\xfe" * 40), Drop.HEADER_ENCODING),
    "nothing but missing": (
        lambda stem: write_record(stem, np.full((12, 5000), MISSING_SAMPLE, np.int16)),
        Drop.ALL_MISSING,
    ),
    "a wrong gain": (
        lambda stem: write_record(stem, beats(0) * 20, gain="2.0(0)/mV"),
        Drop.RANGE,
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_record_is_refused_for_the_reason_it_is_dropped_for(tmp_path: Path, what: str) -> None:
    damage, reason = REFUSED[what]
    tree = MimicTree(tmp_path / "tree")
    for number in range(tree.n):
        write_record(tree.root / tree.rows[number]["path"], beats(number))
    stem = tree.root / tree.rows[4]["path"]
    damage(stem)
    store = prepare("mimic_iv_ecg", tree.root)
    assert pl.read_parquet(store.path / DROPPED)["reason"].to_list() == [reason.value]
    for given in (stem, stem.with_suffix(".hea"), stem.with_suffix(".dat")):
        with pytest.raises(DataError, match=rf"{stem.name} cannot be read \({reason.value}\); "):
            read_single_record(given, RATE_HZ, 5000, 5.0)


@pytest.mark.parametrize("rate", ["0.001", "1", "49", "10001", "999999999"])
def test_a_rate_that_no_recording_has_is_refused(tmp_path: Path, rate: str) -> None:
    write_record(tmp_path / "1", beats(0), rate=rate)
    with pytest.raises(DataError, match="give a record of 50 to 10,000 Hz"):
        read_single_record(tmp_path / "1", RATE_HZ, 5000, 5.0)


@pytest.mark.parametrize(("spike_mv", "uv_per_step"), [(40, 1.0), (-40, 1.0), (160, 2.5)])
def test_a_spike_beyond_the_range_of_a_finer_step_is_limited_and_nothing_else(
    tmp_path: Path, spike_mv: float, uv_per_step: float
) -> None:
    steps = beats(0)
    write_record(tmp_path / "1", steps)
    without = read_single_record(tmp_path / "1", RATE_HZ, 5000, uv_per_step).steps[0]
    steps[7, 1000:1003] = spike_mv * 200
    write_record(tmp_path / "1", steps)
    read = read_single_record(tmp_path / "1", RATE_HZ, 5000, uv_per_step).steps[0]
    np.testing.assert_array_equal(read[7, 1000:1003], np.sign(spike_mv) * LARGEST_STEP)
    read[7, 1000:1003] = without[7, 1000:1003]
    np.testing.assert_array_equal(read, without)


def test_a_ptb_xl_record_of_another_rate_and_step_is_read(tmp_path: Path) -> None:
    write_ptb_xl(tmp_path / "tree", 1, 500)
    read = read_single_record(tmp_path / "tree" / "records500" / "00000" / "00001_hr", 100, 1000, 5.0)
    assert read.steps.shape == (1, len(LEADS), 1000)
    assert (read.rate_hz, read.length_s) == (500, 10)


def test_leads_that_were_each_spread_over_all_steps_are_read(tmp_path: Path) -> None:
    """``wrsamp`` gives each lead a gain by its own range where it is told none: small leads have very many steps."""
    random = np.random.default_rng(0)
    millivolts = random.normal(0, 1, (5000, 12)) * np.geomspace(0.01, 1, 12)
    names = [name.lower() for name in LEADS]
    wfdb.wrsamp("1", 500, ["mV"] * 12, names, p_signal=millivolts, fmt=["16"] * 12, write_dir=str(tmp_path))
    assert max(wfdb.rdheader(str(tmp_path / "1")).adc_gain) > 500_000
    read = read_single_record(tmp_path / "1", 500, 5000, 1.0)
    np.testing.assert_allclose(read.steps[0].T / 1000, millivolts, rtol=0, atol=0.0011)
