"""Answer to one request as what the page shows: prediction, explanation, sentences."""

from collections.abc import Mapping
from typing import Any

from ecgmm.explaining.drawing import sheet_figure
from ecgmm.explaining.explanation import Explanation, explain
from ecgmm.plots.images import png_url
from ecgmm.predicting.inputs import read_input
from ecgmm.predicting.prediction import Prediction, predict
from ecgmm.runs.loading import SavedModel
from ecgmm.serving.forms import Asked


def answer_of(model: SavedModel, asked: Asked, coverage: float) -> Mapping[str, Any]:
    """Predict and explain.

    Args:
        model: A saved model.
        asked: What is to be answered.
        coverage: Of the conformal set.

    Raises:
        ConfigError: If it is not what the method looks at.
        DataError: If the record cannot be read, or shows no signal.
    """
    given = read_input(model, asked.record, asked.report)
    [prediction] = predict(model, [given], coverage)
    explanation = explain(model, given, asked.class_name) if model.method.inputs_at_test else None
    return {
        "sentences": _sentences(prediction, coverage),
        "rows": _rows(prediction),
        "has_sets": prediction.possible is not None,
        "gate": prediction.gate,
        "notes": prediction.notes,
        "words": prediction.words,
        "explained": "" if explanation is None else explanation.class_name,
        "sheet": "" if explanation is None or explanation.signals_mv is None else png_url(sheet_figure(explanation)),
        "variants": [] if explanation is None else _variants(explanation),
    }


def _sentences(prediction: Prediction, coverage: float) -> list[str]:
    shares = prediction.calibrated or prediction.probabilities
    best = max(shares, key=shares.__getitem__)
    said = [f"Most probable is {best}, with {shares[best]:.2f}."]
    if prediction.decision is not None:
        said.append(f"At the thresholds of validation: {', '.join(prediction.decision) or 'none of the classes'}.")
    if prediction.possible is not None:
        left = ", ".join(prediction.possible) or "no class"
        said.append(f"Not ruled out at {coverage:.0%} coverage: {left}.")
    if prediction.abstains:
        said.append("The model abstains: it leaves open which of them it is.")
    return said


def _rows(prediction: Prediction) -> list[dict[str, Any]]:
    shares = prediction.calibrated or prediction.probabilities
    return [
        {
            "name": name,
            "share": share,
            "raw": prediction.probabilities[name],
            "possible": prediction.possible is not None and name in prediction.possible,
        }
        for name, share in sorted(shares.items(), key=lambda item: -item[1])
    ]


def _variants(explanation: Explanation) -> list[dict[str, str]]:
    """What would change the probability of the explained class; the leads are on the sheet."""
    index, given = explanation.class_index, explanation.probability
    found = []
    for one in explanation.answers:
        if one.kind in ("as given", "without lead"):
            continue
        name = f"without “{explanation.statements[int(one.which)]}”" if one.which else one.kind
        share = one.probabilities[index]
        found.append({"name": name, "share": f"{share:.3f}", "change": f"{share - given:+.3f}"})
    return found
