"""Figures and captions say what is there."""

import numpy as np
import pytest

from ecgmm.integrity.figures import LONGEST_SHEET_S, sheet
from ecgmm.integrity.page import caption, swap_words
from ecgmm.plots.ecg_paper import sheet_size_mm
from ecgmm.plots.images import png_url, svg_url
from ecgmm.types import MISSING_SAMPLE

MANIFEST = {"rate_hz": 100, "uv_per_step": 5.0, "parameters": {"limit_mv": 10.0}}
GOOD = {
    "quality": 0.9,
    "missing_share": 0.0,
    "flat_leads": 0.0,
    "clipped_share": 0.0,
    "limb_swap": "none",
    "amplitude_mv": 1.5,
    "drift_mv": 0.1,
    "noise_mv": None,
    "lead_law_error_mv": 0.002,
}


@pytest.mark.parametrize(("n_times", "drawn_s"), [(20, 0.2), (1000, 10.0), (6000, LONGEST_SHEET_S)])
def test_a_sheet_has_the_size_of_the_paper_and_long_rows_are_cut(n_times: int, drawn_s: float) -> None:
    figure = sheet(np.ones((12, n_times), np.int16), MANIFEST)
    assert figure.get_size_inches() * 25.4 == pytest.approx(sheet_size_mm(drawn_s))


def test_missing_samples_are_gaps_and_other_samples_lie_where_they_belong() -> None:
    steps = np.zeros((12, 400), np.int16)
    steps[0, :50], steps[0, 50:60] = 200, MISSING_SAMPLE
    line = next(line for line in sheet(steps, MANIFEST).axes[0].lines if line.get_label() == "I")
    heights = np.asarray(line.get_ydata(), float)
    assert np.isnan(heights).nonzero()[0].tolist() == list(range(50, 60))
    assert heights[0] - heights[-1] == pytest.approx(10)  # 1 mV


def test_the_same_numbers_give_the_same_image() -> None:
    steps = np.random.default_rng(0).integers(-300, 300, (12, 200)).astype(np.int16)
    for url in (png_url, svg_url):
        assert url(sheet(steps, MANIFEST)) == url(sheet(steps, MANIFEST))
        assert url(sheet(steps, MANIFEST)) != url(sheet(-steps, MANIFEST))


def test_a_caption_names_what_a_row_suffers_from_and_nothing_else() -> None:
    assert caption(GOOD) == (
        "quality 0.9; largest amplitude 1.5 mV; drift 0.1 mV; noise – mV; error of the limb-lead laws 0.002 mV"
    )
    bad = GOOD | {"missing_share": 0.25, "flat_leads": 2.0, "clipped_share": 0.0312, "limb_swap": "ra_ll"}
    for words in ("25 % of the samples missing", "flat leads: 2", "3.12 % of the worst lead clipped"):
        assert words in caption(bad)
    assert "suspected swap of right arm and left leg" in caption(bad)


def test_swaps_are_named_by_their_electrodes() -> None:
    assert swap_words("ra_la") == "right arm and left arm"
