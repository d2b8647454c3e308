"""Draw Figure 2, records before and after preparation on ECG paper: ecgmm figure2 outputs --out figures.

Waveforms are not in run directories, so this reads the run's store, which it looks for in --stores and never makes.
The examples come from the test split, by the rules of `ecgmm/reporting/damaged_records.py`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ecgmm.data.store.store import Store
from ecgmm.plots.ecg_paper import GAIN_MM_PER_MV, SPEED_MM_PER_S, draw_sheet, sheet_size_mm
from ecgmm.plots.look import PAGE_WIDTH_IN
from ecgmm.reporting.damaged_records import Example, choose_examples
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.runs.configuration import CONFIG, read_config
from ecgmm.runs.loading import build_preparation, load_model
from ecgmm.runs.run import Run
from ecgmm.runs.saved_model import Waveform
from ecgmm.runs.store_of_run import STORES, store_of_run
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.types import MISSING_SAMPLE

_MM_PER_IN = 25.4
_MARGIN_MM, _GAP_MM, _HEAD_MM, _TITLE_MM, _FOOT_MM = 1.0, 3.0, 4.5, 5.5, 5.0
_NAME_PT, _TITLE_PT, _NOTE_PT = 5.0, 7.5, 6.5


def build(runs: list[Run], stores: Path = STORES) -> Drawing:
    """Draw the examples of the first run of the paper's method, or of the first run where there is none.

    Args:
        runs: Finished runs.
        stores: Folder that holds the run's store.

    Raises:
        UserError: If the run's store is not there, or its configuration is damaged.
    """
    run = next((run for run in runs if run.method == "gated_fusion"), runs[0])
    settings = read_config(run.directory, run.facts.files)
    waveform = Waveform.read(settings.get("waveform"), run.directory / CONFIG)
    store = store_of_run(run.facts.data.fingerprint, stores, settings.get("data"), "--stores ...")
    signal = store.manifest if waveform.complete_leads != "learned" else load_model(run.directory).facts.store.plain()
    preparation = build_preparation(signal, waveform)
    examples = choose_examples(store, preparation.limit_mv)
    drift = "is left" if waveform.highpass_hz is None else f"below {waveform.highpass_hz} Hz is removed"
    caption = (
        "Figure 2. Records of the test split before and after preparation, standard 3 x 4 layout with lead II as rhythm"
        " strip. Before: as stored, in mV; missing samples are gaps. After: what the method sees, its z-scores brought"
        " back to mV (times the lead's standard deviation over the training split, plus its mean): gaps bridged by"
        f" straight lines, samples beyond {preparation.limit_mv:g} mV limited, flat leads set to 0 standard deviations,"
        f" baseline drift {drift}. Bridged and limited samples are drawn in vermilion. Stored at"
        f" {store.manifest['rate_hz']:g} Hz."
        f" {provenance([run])}"
    )
    kinds = dict.fromkeys(one.title.partition(":")[0].lower() for one in examples)
    found = f"Kinds of records that the test split has: {', '.join(kinds)}."
    return Drawing("figure2", draw_pairs(store, preparation, examples), caption, found)


def before_and_after(
    steps: NDArray[np.int16], preparation: WaveformPreparation
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One record as stored and as a method sees it.

    Args:
        steps: int16 ``[12, T]`` store steps.
        preparation: The run's own.

    Returns:
        Twice ``[12, T]`` in mV: with NaN where samples are missing, and prepared, z-scores brought back to mV.
    """
    before = np.where(steps == MISSING_SAMPLE, np.nan, steps * np.float32(preparation.mv_per_step))
    z = preparation(torch.from_numpy(steps[None]))[0]
    after = z * preparation.lead_std_mv[:, None] + preparation.lead_mean_mv[:, None]
    return before.astype(np.float32), after.numpy()


def draw_pairs(store: Store, preparation: WaveformPreparation, examples: Sequence[Example]) -> Figure:
    """One example a row: left as stored, right as the method sees it, at one scale that the foot of the page states."""
    page_mm, rate_hz = PAGE_WIDTH_IN * _MM_PER_IN, store.manifest["rate_hz"]
    full_width, full_height = sheet_size_mm(store.manifest["n_times"] / rate_hz)
    width_mm = (page_mm - 2 * _MARGIN_MM - _GAP_MM) / 2
    scale = width_mm / full_width
    pitch_mm = _TITLE_MM + scale * full_height
    height_mm = _HEAD_MM + len(examples) * pitch_mm + _FOOT_MM
    figure = Figure(figsize=(PAGE_WIDTH_IN, height_mm / _MM_PER_IN))
    lefts_mm = [_MARGIN_MM, _MARGIN_MM + width_mm + _GAP_MM]
    for left_mm, head in zip(lefts_mm, ("Before: as stored", "After: as the method sees it"), strict=True):
        figure.text(left_mm / page_mm, 1 - 1 / height_mm, head, va="top", fontsize=_TITLE_PT, weight="bold")
    for number, example in enumerate(examples):
        bottom_mm = height_mm - _HEAD_MM - (number + 1) * pitch_mm
        title_y = (bottom_mm + scale * full_height + 1.2) / height_mm
        figure.text(_MARGIN_MM / page_mm, title_y, example.title, fontsize=_TITLE_PT)
        before, after = before_and_after(np.array(store.waveforms[example.row]), preparation)
        changed = np.isnan(before) | (np.abs(before) > preparation.limit_mv)
        for left_mm, signals_mv in zip(lefts_mm, (before, after), strict=True):
            place = (left_mm / page_mm, bottom_mm / height_mm, width_mm / page_mm, scale * full_height / height_mm)
            draw_sheet(figure.add_axes(place), signals_mv, rate_hz, changed, _NAME_PT)
    figure.text(_MARGIN_MM / page_mm, 1.5 / height_mm, _foot(scale), fontsize=_NOTE_PT)
    return figure


def _foot(scale: float) -> str:
    return (
        f"{SPEED_MM_PER_S:g} mm/s, {GAIN_MM_PER_MV:g} mm/mV, drawn at {scale:.0%}; small squares 0.04 s × 0.1 mV, large"
        " 0.2 s × 0.5 mV; pulse 1 mV × 0.2 s; vermilion: bridged or limited samples"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments, with_stores=True)
