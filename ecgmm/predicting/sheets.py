"""Sheet of one record on A4 paper: its waveform on clinical paper, and below it the answer with what speaks against."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecgmm.files import whole_file
from ecgmm.plots.ecg_paper import draw_sheet, sheet_size_mm
from ecgmm.plots.look import literal, look
from ecgmm.plots.palette import OKABE_ITO
from ecgmm.predicting.inputs import ModelInput
from ecgmm.predicting.prediction import Prediction
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.types import MISSING_SAMPLE

NOT_A_DEVICE = "Research software, not a medical device. No diagnosis; not for decisions about patients."
_MM_PER_INCH = 25.4
_PAGE_MM = (297.0, 210.0)
_MARGIN_MM, _SHEET_BOTTOM_MM, _TEXT_TOP_MM = 15.0, 82.0, 76.0
_LEAD_NAME_PT, _TITLE_PT, _TEXT_PT = 8.0, 12.0, 8.0
_LINE_MM, _WIDTH_CHARACTERS = 4.2, 84
_MOST_CLASSES, _MOST_LINES = 14, 15
_DPI = 150
_METADATA = {
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "png": {"Software": None},
}


def save_sheet(path: Path, facts: ModelFacts, given: ModelInput, prediction: Prediction, title: str) -> None:
    """Draw a record's sheet; the same record gives the same bytes.

    Args:
        path: File, ``.pdf`` or ``.png``.
        facts: Of the model.
        given: The record.
        prediction: Its prediction.
        title: Name of the record.
    """
    kind = path.suffix[1:]
    with look(), whole_file(path, private=True) as file:
        figure = draw_prediction(facts, given, prediction, title)
        figure.savefig(file, format=kind, dpi=_DPI, metadata=_METADATA[kind])


def draw_prediction(facts: ModelFacts, given: ModelInput, prediction: Prediction, title: str) -> Figure:
    """Draw the sheet; see ``save_sheet``."""
    rate_hz, n_times = facts.store.rate_hz, facts.store.n_times
    width_mm, height_mm = sheet_size_mm(n_times / rate_hz)
    page_mm = (max(_PAGE_MM[0], width_mm + 2 * _MARGIN_MM), _PAGE_MM[1])
    figure = Figure(figsize=(page_mm[0] / _MM_PER_INCH, page_mm[1] / _MM_PER_INCH))
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, page_mm[0]), ylim=(0, page_mm[1]))
    page.set_axis_off()
    page.text(_MARGIN_MM, 197, literal(title)[:90], fontsize=_TITLE_PT, va="bottom")
    page.text(_MARGIN_MM, 191, NOT_A_DEVICE, fontsize=_TEXT_PT, va="bottom", color=OKABE_ITO[1])
    if given.single_record is None:
        page.text(_MARGIN_MM, 140, "Predicted from the report alone: no waveform was given.", fontsize=_TITLE_PT)
    else:
        steps = given.single_record.steps[0]
        signals_mv = np.where(steps == MISSING_SAMPLE, np.nan, steps * (facts.store.uv_per_step / 1000))
        left, bottom = _MARGIN_MM / page_mm[0], _SHEET_BOTTOM_MM / page_mm[1]
        axes = figure.add_axes((left, bottom, width_mm / page_mm[0], height_mm / page_mm[1]))
        draw_sheet(axes, signals_mv, rate_hz, np.abs(signals_mv) > facts.waveform.limit_mv, _LEAD_NAME_PT)
        page.text(_MARGIN_MM + width_mm, 191, "25 mm/s, 10 mm/mV", fontsize=_TEXT_PT, va="bottom", ha="right")
    _draw_classes(page, facts, prediction)
    said = [f"{line[0].upper()}{line[1:]}" for line in prediction.summary()]
    if prediction.words:
        said.append(f"The method says: {' '.join(prediction.words)}")
    _write_lines(page, [*said, *(f"Note: {note}" for note in prediction.notes)])
    return figure


def _draw_classes(page: Axes, facts: ModelFacts, prediction: Prediction) -> None:
    """A bar for each class, calibrated where that is known, its probability before that, and its threshold."""
    thresholds = None if facts.calibration is None else facts.calibration.thresholds
    least = {} if thresholds is None else dict(zip(facts.class_names, thresholds, strict=True))
    shown = prediction.calibrated or prediction.probabilities
    order = sorted(shown, key=lambda name: -shown[name])[:_MOST_CLASSES]
    calibrated = "calibrated" if prediction.calibrated else "not calibrated"
    more = f", {len(order)} of {len(shown)} classes" if len(order) < len(shown) else ""
    _text(page, _MARGIN_MM, _TEXT_TOP_MM, f"Probability ({calibrated}{more})", weight="bold")
    _text(page, _MARGIN_MM + 92, _TEXT_TOP_MM, "raw", ha="right")
    _text(page, _MARGIN_MM + 110, _TEXT_TOP_MM, "threshold" if least else "", ha="right")
    for number, name in enumerate(order, 1):
        y = _TEXT_TOP_MM - number * _LINE_MM
        decided = name in (prediction.decision or [])
        _text(page, _MARGIN_MM, y, literal(name)[:22], weight="bold" if decided else "normal")
        color = OKABE_ITO[0] if decided else "#b8b8b8"
        page.barh(y + 1, 40 * shown[name], height=2.6, left=_MARGIN_MM + 32, color=color)
        _text(page, _MARGIN_MM + 82, y, f"{shown[name]:.3f}", ha="right")
        _text(page, _MARGIN_MM + 92, y, f"{prediction.probabilities[name]:.3f}", ha="right")
        _text(page, _MARGIN_MM + 110, y, f"{least[name]:.3f}" if least else "", ha="right")


def _write_lines(page: Axes, lines: list[str]) -> None:
    wrapped = [part for line in lines for part in textwrap.wrap(line, _WIDTH_CHARACTERS, subsequent_indent="   ")]
    if len(wrapped) > _MOST_LINES:
        wrapped = [*wrapped[: _MOST_LINES - 1], f"({len(wrapped) - _MOST_LINES + 1} more lines stand in the table)"]
    for number, line in enumerate(wrapped):
        _text(page, _MARGIN_MM + 120, _TEXT_TOP_MM - number * _LINE_MM, literal(line))


def _text(page: Axes, x: float, y: float, words: str, ha: str = "left", weight: str = "normal") -> None:
    page.text(x, y, words, fontsize=_TEXT_PT, ha=ha, weight=weight, va="baseline")
