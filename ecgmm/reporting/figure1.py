"""Draw Figure 1, the architecture, from the model of a run: ecgmm figure1 outputs --out figures.

Layers, shapes and parameter counts are those of the instantiated modules; a tiny batch goes through for the shapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from ecgmm.errors import UserError
from ecgmm.models.fusion import MeanGate, ScalarGate, VectorGate
from ecgmm.models.losses import CosineConsistency, OrthogonalConsistency, SquaredConsistency
from ecgmm.models.methods.gated_fusion import GatedFusion
from ecgmm.plots.boxes import LINE_MM, PAD_MM, SMALL_PT, Box, blank_page, draw_arrow, draw_box, draw_text_box, write
from ecgmm.plots.look import PAGE_WIDTH_IN
from ecgmm.plots.palette import GREY, OKABE_ITO
from ecgmm.reporting.architecture import Layer, Shapes, describe, layers, n_parameters, output_shape, trace
from ecgmm.reporting.drawing import Drawing, command, provenance
from ecgmm.runs.run import Run
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.signal.preparation import WaveformPreparation

_ECG, _TEXT, _FUSION, _LOSS = OKABE_ITO[0], OKABE_ITO[1], OKABE_ITO[2], GREY
_LEFT_MM, _RIGHT_MM, _COLUMN_MM = 1.0, 93.4, 88.5
_MIDDLE_MM, _MIDDLE_WIDTH_MM, _SIDE_WIDTH_MM = 47.0, 89.0, 40.0
_STEP_MM = 5.0

_GATES: dict[type[nn.Module], str] = {
    ScalarGate: r"$\alpha = \sigma(w^\top [h_e, h_t])$",
    VectorGate: r"$\alpha = \sigma(W [h_e, h_t])$",
    MeanGate: r"$\alpha = 1/2$",
}
_CONSISTENCY: dict[type[SquaredConsistency], str] = {
    SquaredConsistency: r"$L_{cons} = \Vert P_e h_e - P_t h_t \Vert_2^2$",
    OrthogonalConsistency: r"$L_{cons} = \Vert P_e h_e - P_t h_t \Vert_2^2$, $P_e$ and $P_t$ orthogonal",
    CosineConsistency: r"$L_{cons} = 1 - \cos(P_e h_e, P_t h_t)$",
}


@dataclass(frozen=True)
class Model:
    """A run's model with what the figure says about it.

    Attributes:
        method: The method.
        preparation: What its waveforms go through first.
        facts: ``model.json``.
        shapes: What a batch that is sent through looks like behind each module.
    """

    method: GatedFusion
    preparation: WaveformPreparation
    facts: ModelFacts
    shapes: Shapes

    @property
    def ecg(self) -> list[Layer]:
        """Layers of the waveform encoder."""
        return layers(self.method.get_submodule("ecg_encoder"), self.shapes)

    @property
    def text(self) -> list[Layer]:
        """Layers of the text encoder."""
        return layers(self.method.get_submodule("text_encoder"), self.shapes)

    @property
    def counts(self) -> dict[str, int]:
        """Parameters of each part that has any, by its name."""
        counted = {name: n_parameters(part) for name, part in self.method.named_children()}
        return {name: count for name, count in counted.items() if count}


def _shares(counts: dict[str, int]) -> str:
    """Parts with their share of the parameters, the largest first, of those that have one in a hundred."""
    total = sum(counts.values())
    largest = sorted(counts, key=lambda name: -counts[name])
    return ", ".join(f"{name} {counts[name] / total:.0%}" for name in largest if counts[name] >= total / 100)


def build(runs: list[Run]) -> Drawing:
    """Draw the model of the first run of the paper's method, before one with a part exchanged.

    Raises:
        UserError: If there is no such run, or it has no model.
    """
    drawn = [run for run in runs if run.method == "gated_fusion"]
    if not drawn:
        raise UserError("no run of gated_fusion, whose model figure 1 shows; train one with method=gated_fusion")
    run = min(drawn, key=lambda run: run.facts.ablation is not None)
    saved = run.model
    shapes = trace(saved.method, saved.preparation, saved.facts.store.n_times)
    model = Model(cast(GatedFusion, saved.method), saved.preparation, saved.facts, shapes)
    caption = (
        "Figure 1. Architecture, drawn from the trained model: layers with output shapes (B records, N tokens) and, at"
        f" the right, numbers of parameters, {n_parameters(saved.method):,} in all. Dashed: used in training only."
        f" {provenance([run])}"
    )
    found = f"{n_parameters(saved.method):,} parameters: {_shares(model.counts)}."
    return Drawing("figure1", draw_model(model), caption, found)


def draw_model(model: Model) -> Figure:
    """Two columns, waveform and report, that meet in the gate; the losses at the foot."""
    height_mm = 82.0 + max(_table_mm(model.ecg), _table_mm(model.text))
    figure, axes = blank_page(PAGE_WIDTH_IN, height_mm)
    inputs = _draw_inputs(axes, model, top=1.0)
    encoders = _draw_encoders(axes, model, inputs)
    _draw_fusion(axes, model, *encoders)
    return figure


def _draw_inputs(axes: Axes, model: Model, top: float) -> tuple[Box, Box]:
    store, preparation = model.facts.store, model.preparation
    drift = "baseline left" if preparation.highpass_hz is None else f"high-pass {preparation.highpass_hz:g} Hz"
    leads, n_times, rate_hz = len(store.leads), store.n_times, store.rate_hz
    ecg = draw_text_box(
        axes,
        (_LEFT_MM, top, _COLUMN_MM),
        f"12-lead ECG  $x$  [B, {leads}, {n_times}], {rate_hz:g} Hz",
        f"Preparation: gaps bridged, limit ±{preparation.limit_mv:g} mV, {drift}, z-score of each lead",
        _ECG,
    )
    text = draw_text_box(
        axes,
        (_RIGHT_MM, top, _COLUMN_MM),
        f"Report  $r$  [B, N], N ≤ {model.facts.max_tokens}",
        f"Tokeniser: {model.facts.tokeniser}, text policy {model.facts.text_policy}",
        _TEXT,
    )
    return ecg, text


def _draw_encoders(axes: Axes, model: Model, inputs: tuple[Box, Box]) -> tuple[Box, Box]:
    boxes = []
    parts = (
        (model.ecg, "ecg_encoder", "ECG encoder $f_e$", _ECG),
        (model.text, "text_encoder", "Text encoder $f_t$", _TEXT),
    )
    for above, (lines, name, title, color) in zip(inputs, parts, strict=True):
        module = getattr(model.method, name)
        box = Box(above.left, above.bottom + _STEP_MM, above.width, _table_mm(lines))
        draw_box(axes, box, color)
        draw_arrow(axes, [(box.centre, above.bottom), (box.centre, box.top)])
        write(axes, box.left + PAD_MM, box.top + 2.6, f"{title}:  {type(module).__name__}")
        write(axes, box.left + box.width - PAD_MM, box.top + 2.6, f"{n_parameters(module):,} parameters", ha="right")
        _write_table(axes, box, lines)
        boxes.append(box)
    return boxes[0], boxes[1]


def _table_mm(lines: Sequence[Layer]) -> float:
    return 5.5 + LINE_MM * sum(2 if line.extras else 1 for line in lines)


def _write_table(axes: Axes, box: Box, lines: Sequence[Layer]) -> None:
    y = box.top + 6.3
    for line in lines:
        write(axes, box.left + PAD_MM, y, line.label, size=SMALL_PT)
        write(axes, box.left + 0.80 * box.width, y, line.shape, size=SMALL_PT, ha="right")
        write(axes, box.left + box.width - PAD_MM, y, f"{line.n_parameters:,}", size=SMALL_PT, ha="right")
        if line.extras:
            y += LINE_MM
            write(axes, box.left + 2 * PAD_MM, y, ", ".join(line.extras), size=SMALL_PT, color=GREY)
        y += LINE_MM


def _draw_fusion(axes: Axes, model: Model, ecg: Box, text: Box) -> None:
    method = model.method
    y = max(ecg.bottom, text.bottom) + _STEP_MM
    middle, side_top = (_MIDDLE_MM, y + 16.0, _MIDDLE_WIDTH_MM), y + 16.0
    blended = r"$z = \alpha h_e + (1 - \alpha) h_t$"
    alpha = output_shape(method.gate, model.shapes)
    gate_text = f"{_GATES[type(method.gate)]}   {alpha},   {blended}   [B, {method.head.in_features}]"
    gate = draw_text_box(axes, middle, "Gate", gate_text, _FUSION, n_parameters(method.gate))
    for encoder, symbol, projection, left, inward in (
        (ecg, "e", method.ecg_projection, _LEFT_MM, 14.0),
        (text, "t", method.text_projection, _RIGHT_MM + _COLUMN_MM - _SIDE_WIDTH_MM, _MIDDLE_WIDTH_MM - 14.0),
    ):
        embedding = Box(encoder.centre - 14, y, 28.0, 6.0)
        draw_box(axes, embedding, _ECG if symbol == "e" else _TEXT)
        write(axes, embedding.centre, y + 3, f"$h_{symbol}$  [B, {method.head.in_features}]", ha="center")
        draw_arrow(axes, [(encoder.centre, encoder.bottom), (encoder.centre, y)])
        side = (left, side_top, _SIDE_WIDTH_MM)
        title, what = f"Projection $P_{symbol}$", describe(projection)
        box = draw_text_box(axes, side, title, what, _LOSS, n_parameters(projection), dashed=True)
        turn = embedding.bottom + 5
        for x, top, dashed in ((gate.left + inward, gate.top, False), (box.centre, box.top, True)):
            draw_arrow(
                axes, [(embedding.centre, embedding.bottom), (embedding.centre, turn), (x, turn), (x, top)], dashed
            )
        _draw_down(axes, box, gate.bottom + 2 * _STEP_MM + gate.height, dashed=True)
    _draw_losses(axes, model, _draw_head(axes, model, gate))


def _draw_head(axes: Axes, model: Model, gate: Box) -> Box:
    names, method = model.facts.class_names, model.method
    classes = ", ".join(names) if len(names) <= 6 else f"{len(names)} classes"
    output = "softmax" if model.facts.task == "single_label" else "sigmoid"
    place = (gate.left, gate.bottom + _STEP_MM, gate.width)
    what = f"dropout {method.dropout.p:g}, {describe(method.head)}, {output}  [B, {len(names)}]: {classes}"
    box = draw_text_box(axes, place, "Head", what, _FUSION, n_parameters(method.head))
    _draw_down(axes, gate, box.top)
    _draw_down(axes, box, box.bottom + _STEP_MM)
    return box


def _draw_losses(axes: Axes, model: Model, head: Box) -> None:
    method = model.method
    weight = f"{method.loss_weights['cons']:g}"
    title = rf"Loss  $L = L_{{cls}} + \lambda L_{{cons}}$,  λ = {weight}"
    what = f"$L_{{cls}}$: {type(method.criterion).__name__};   {_CONSISTENCY[type(method.consistency)]}"
    place = (_LEFT_MM, head.bottom + _STEP_MM, _RIGHT_MM + _COLUMN_MM - _LEFT_MM)
    box = draw_text_box(axes, place, title, what, _LOSS, dashed=True)
    parts = " + ".join(
        f"{name.replace('_', ' ').replace('ecg', 'ECG')} {count:,}" for name, count in model.counts.items()
    )
    total = f"{n_parameters(method):,} parameters = {parts}"
    write(axes, _LEFT_MM, box.bottom + 3, total, size=SMALL_PT)


def _draw_down(axes: Axes, box: Box, y: float, dashed: bool = False) -> None:
    draw_arrow(axes, [(box.centre, box.bottom), (box.centre, y)], dashed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return command(build, __doc__, arguments)
