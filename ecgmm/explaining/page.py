"""An explanation as one HTML page, which asks for nothing from a network and holds the report's text."""

from pathlib import Path
from typing import Any

from ecgmm.explaining.attribution import N_STEPS, WINDOW_S
from ecgmm.explaining.counterfactuals import AS_GIVEN, Answer
from ecgmm.explaining.drawing import SMOOTH_S, curves_figure, sheet_figure
from ecgmm.explaining.explanation import Explanation
from ecgmm.explaining.sanity import Sanity
from ecgmm.explaining.words import halves, verdicts
from ecgmm.plots.images import png_url, svg_url
from ecgmm.plots.page import templates

_TEMPLATE = "explanation.html.jinja"
_FOR_RGB, _AGAINST_RGB = "213 94 0", "0 114 178"
_MOST_OPAQUE = 0.45  # black text on it keeps a contrast above 7


def render(explanation: Explanation, facts: dict[str, str], synthetic: bool, sanity: Sanity | None = None) -> str:
    """Make the page.

    Args:
        explanation: What is shown.
        facts: Further lines of its head, such as the run's method.
        synthetic: Whether the model was trained on synthetic data.
        sanity: Checks of it, where they were made.
    """
    it = explanation
    answer = {"Class": it.class_name, "Probability": f"{it.probability:.3f}", "Explained by": _method(it)}
    tokens = _tokens(it)
    return (
        templates(Path(__file__).parent, {})
        .get_template(_TEMPLATE)
        .render(
            it=it,
            facts=answer | facts,
            synthetic=synthetic,
            sheet=None if it.attribution.waveform is None else png_url(sheet_figure(it)),
            how=_how(it),
            smooth_ms=round(1000 * SMOOTH_S),
            tokens=tokens,
            strongest=max((token["value"] for token in tokens), key=lambda text: abs(float(text)), default=""),
            halves=halves(it),
            rows=[_row(it, one) for one in it.answers],
            checks=[] if sanity is None else verdicts(it, sanity),
            curves=None if sanity is None else svg_url(curves_figure(sanity.curves, it.class_name)),
        )
    )


def _method(it: Explanation) -> str:
    if it.method == "occlusion":
        return f"occlusion of {WINDOW_S * 1000:.0f} ms of one lead, and of one word, at a time"
    return f"integrated gradients, {N_STEPS} steps"


def _how(it: Explanation) -> str:
    name = it.class_name
    if it.method == "occlusion":
        return f"How much of the log-odds of {name} is lost where a stretch alone becomes a straight line."
    return f"What each sample adds to the log-odds of {name} on the way from a record without waves to this one."


def _tokens(it: Explanation) -> list[dict[str, str]]:
    values = it.attribution.words
    if values is None:
        return []
    full = max(abs(float(values.max())), abs(float(values.min()))) or 1.0
    found = []
    for text, value in zip(it.tokens, values.tolist(), strict=True):
        strength = abs(value) / full
        side = "" if strength < 0.1 else "for" if value > 0 else "against"
        rgb = _FOR_RGB if value > 0 else _AGAINST_RGB
        color = f"rgb({rgb} / {_MOST_OPAQUE * strength:.2f})"
        found.append({"text": text, "value": f"{value:+.3f}", "side": side, "color": color})
    return found


def _row(it: Explanation, one: Answer) -> dict[str, Any]:
    odds = one.log_odds[it.class_index]
    name = one.kind
    if one.kind == "without statement":
        name = f"without “{it.statements[int(one.which)]}”"
    elif one.kind == "without lead":
        name = f"without the waves of {one.which}"
    return {
        "name": name,
        "shares": [f"{share:.3f}" for share in one.probabilities],
        "odds": f"{odds:+.2f}",
        "change": "" if one.kind == AS_GIVEN else f"{odds - it.answers[0].log_odds[it.class_index]:+.2f}",
        "gate": "" if one.gate is None else f"{one.gate:.2f}",
    }
