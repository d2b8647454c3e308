"""Each fault raises its own column by its own size and lowers the score; exchanged electrodes are named."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ecgmm.data.preparation.single_record import read_record
from ecgmm.leads import LEADS
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES
from ecgmm.signal.quality import quality_columns
from ecgmm.signal.scan import scan
from ecgmm.types import MISSING_SAMPLE

SAMPLE = Path(__file__).parents[2] / "../shared/data/ecg-quality-sample"
UV = 5.0
# What R and T waves do to the potential of each electrode (right arm, left arm, left foot, chest) in mV.
HEART_MV = np.array([-0.7, 0.1, 0.6, -0.6, -0.2, 0.5, 1.2, 1.1, 0.9])
Signals = NDArray[np.float64]


def ecg_mv(rate_hz: int = 500, length_s: float = 10, electrodes: NDArray[np.float64] = HEART_MV) -> Signals:
    """A regular rhythm of 75 beats a minute without any fault, ``[12, T]``, lead laws kept."""
    phase = np.arange(round(rate_hz * length_s)) / rate_hz % 0.8
    beat = np.exp(-(((phase - 0.3) / 0.012) ** 2)) + 0.25 * np.exp(-(((phase - 0.55) / 0.05) ** 2))
    leads: Signals = LEADS_FROM_ELECTRODES.numpy().astype(float) @ electrodes[:, None] * beat
    return leads


def columns_of(signals_mv: Signals, rate_hz: int = 500, uv_per_step: float = UV) -> dict[str, Any]:
    """The columns of one record, NaN for missing samples."""
    steps = np.rint(np.nan_to_num(signals_mv) * 1000 / uv_per_step).clip(-32767, 32767)
    block = np.where(np.isnan(signals_mv), MISSING_SAMPLE, steps).astype(np.int16)[None]
    found = quality_columns(scan(block, 2000, rate_hz), uv_per_step, rate_hz, block.shape[-1])
    return {name: column[0] for name, column in found.items()}


def test_a_faultless_record_has_nothing_to_report() -> None:
    found = columns_of(ecg_mv())
    assert found["quality"] > 0.95
    assert found["limb_swap"] == "none"
    assert found["missing_share"] == found["flat_leads"] == 0
    assert found["drift_mv"] < 0.1
    assert found["noise_mv"] < 0.005
    assert found["clipped_share"] < 0.005
    assert found["lead_law_error_mv"] < UV / 1000
    assert found["amplitude_mv"] == pytest.approx(np.abs(ecg_mv()).max(), abs=UV / 1000)


def test_columns_come_in_the_store_s_order_and_types() -> None:
    found = quality_columns(scan(np.zeros((3, 12, 20), np.int16), 2000, 500), UV, 500, 20)
    assert {name: (column.dtype.kind, column.dtype.itemsize) for name, column in found.items()} == {
        "missing_share": ("f", 4),
        "flat_leads": ("i", 1),
        "clipped_share": ("f", 4),
        "amplitude_mv": ("f", 4),
        "drift_mv": ("f", 4),
        "noise_mv": ("f", 4),
        "lead_law_error_mv": ("f", 4),
        "limb_swap": ("U", 20),
        "quality": ("f", 4),
        "content": ("u", 8),
    }
    assert all(len(column) == 3 for column in found.values())


def spoiled(fault: str, size: float) -> Signals:
    """The rhythm with a fault of a size in mV (of a gap: share of the lead) in V2."""
    signals = ecg_mv()
    n_times = signals.shape[1]
    if fault == "noise":
        signals[7] += np.random.default_rng(0).normal(0, size, n_times)
    elif fault == "drift":
        signals[7] += size * np.linspace(0, 1, n_times)
    elif fault == "spike":
        signals[7, n_times // 2] += size
    elif fault == "clipping":
        signals[7] = signals[7].clip(-size, size)
    elif fault == "gap":
        signals[7, : round(size * n_times)] = np.nan
    return signals


@pytest.mark.parametrize(
    ("fault", "sizes"),
    [
        ("noise", (0, 0.03, 0.1, 0.5)),
        ("drift", (0, 0.5, 2, 8)),
        ("spike", (0, 3, 10, 40)),
        ("clipping", (9, 0.02, 0.004)),
        ("gap", (0, 0.2, 0.6, 1)),
    ],
)
def test_the_score_falls_as_a_fault_grows(fault: str, sizes: tuple[float, ...]) -> None:
    scores = [columns_of(spoiled(fault, size))["quality"] for size in sizes]
    assert np.all(np.diff(scores) < -0.01), scores


@pytest.mark.parametrize("size_mv", [0.02, 0.1])
@pytest.mark.parametrize("rate_hz", [100, 250, 500])
def test_white_noise_is_told_as_a_little_less_than_its_standard_deviation(rate_hz: int, size_mv: float) -> None:
    signals = ecg_mv(rate_hz)
    signals[7] += np.random.default_rng(0).normal(0, size_mv, signals.shape[1])
    assert 0.65 * size_mv < columns_of(signals, rate_hz)["noise_mv"] < 0.9 * size_mv


def test_drift_is_told_as_its_range() -> None:
    assert columns_of(spoiled("drift", 2.0))["drift_mv"] == pytest.approx(2.0, rel=0.15)


def test_a_recorder_s_limit_shows_as_clipping() -> None:
    assert columns_of(ecg_mv())["clipped_share"] < 0.005 < 0.02 < columns_of(spoiled("clipping", 0.1))["clipped_share"]


def test_missing_samples_are_counted_and_compared_with_nothing() -> None:
    found, whole = columns_of(spoiled("gap", 0.25)), columns_of(ecg_mv())
    assert found["missing_share"] == pytest.approx(0.25 / 12)
    assert found["lead_law_error_mv"] == whole["lead_law_error_mv"]


@pytest.mark.parametrize("constant_mv", [0.0, 80.0, np.nan])
def test_a_lead_without_signal_costs_half_the_score_and_all_leads_the_whole(constant_mv: float) -> None:
    one, all_leads = ecg_mv(), np.full((12, 5000), constant_mv)
    one[7] = constant_mv
    assert columns_of(one)["flat_leads"] == 1
    assert 0.3 < columns_of(one)["quality"] < 0.5
    assert columns_of(all_leads)["flat_leads"] == 12
    assert columns_of(all_leads)["quality"] == 0
    assert columns_of(all_leads)["limb_swap"] == "none"


def test_augmented_leads_that_change_places_break_the_lead_laws() -> None:
    order = [LEADS.index(name) for name in ("I", "II", "III", "aVR", "aVF", "aVL", *LEADS[6:])]
    assert columns_of(ecg_mv()[order])["lead_law_error_mv"] > 5 * columns_of(ecg_mv())["lead_law_error_mv"]


@pytest.mark.parametrize("rate_hz", [100, 250])
def test_rate_and_scale_hardly_matter(rate_hz: int) -> None:
    fine, coarse = columns_of(spoiled("drift", 1.0), uv_per_step=1.0), columns_of(spoiled("drift", 1.0))
    slow = columns_of(spoiled("drift", 1.0)[:, :: 500 // rate_hz], rate_hz)
    assert fine["quality"] == pytest.approx(coarse["quality"], abs=0.01)
    assert slow["quality"] == pytest.approx(coarse["quality"], abs=0.02)
    assert slow["drift_mv"] == pytest.approx(coarse["drift_mv"], rel=0.05)


def test_length_hardly_matters() -> None:
    assert columns_of(ecg_mv(length_s=5))["quality"] == pytest.approx(columns_of(ecg_mv())["quality"], abs=0.01)


@pytest.mark.parametrize(("places", "name"), [([1, 0, 2], "ra_la"), ([2, 1, 0], "ra_ll"), ([0, 2, 1], "none")])
@pytest.mark.parametrize("rate_hz", [100, 500])
def test_exchanged_limb_electrodes_are_named_except_the_left_ones(rate_hz: int, places: list[int], name: str) -> None:
    exchanged = HEART_MV[[*places, *range(3, 9)]]
    assert columns_of(ecg_mv(rate_hz, electrodes=exchanged), rate_hz)["limb_swap"] == name


@pytest.mark.parametrize("flat", ["aVR", "aVL", "V6"])
def test_no_exchange_is_suspected_where_a_lead_that_tells_has_no_signal(flat: str) -> None:
    signals = ecg_mv(electrodes=HEART_MV[[1, 0, *range(2, 9)]])
    signals[LEADS.index(flat)] = 0
    assert columns_of(signals)["limb_swap"] == "none"


@pytest.mark.skipif(not SAMPLE.exists(), reason="needs the sample of real recordings beside the checkout")
def test_the_score_separates_real_recordings_as_cardiologists_did() -> None:
    listed = pl.read_csv(SAMPLE / "quality.csv", schema_overrides={"record": pl.String})
    block = np.concatenate([read_record(SAMPLE / name, 500, 5000, UV) for name in listed["record"]])
    score = quality_columns(scan(block, 2000, 500), UV, 500, 5000)["quality"]
    assert roc_auc_score((listed["quality"] == "acceptable").to_numpy(), score) > 0.95
