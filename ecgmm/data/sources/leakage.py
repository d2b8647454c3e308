"""The leak gate: do labels and text come from one statement of the truth? Every command that makes a number asks it.

What a store knows of its text stands in its manifest as ``text_origin``, what it knows of its labels with each label
set as ``source``. Only labels read from the machine statements are in the very text that a model may see; the other
pairs (docs/leakage.md) share at most an author.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ecgmm.errors import ConfigError

log = logging.getLogger(__name__)

MACHINE, ANNOTATOR, NOTES, SIMULATION, UNKNOWN = "machine_statements", "annotator", "notes", "simulation", "unknown"
"""Whose words the reports of a store are: the cart's, those of who annotated it too, the user's own, simulated ones."""
_TEXT_OF_LABELS = {"report": MACHINE, "annotation": ANNOTATOR, "simulation": SIMULATION}


def text_origin(manifest: dict[str, Any]) -> str:
    """Origin of a store's text; of a store from before this was written, as its settings and label sets tell it."""
    if "text_origin" in manifest:
        return str(manifest["text_origin"])
    if manifest.get("parameters", {}).get("notes_csv") is not None:
        return NOTES
    sources = {labels["source"] for labels in manifest["labels"].values()}
    return next((origin for source, origin in _TEXT_OF_LABELS.items() if source in sources), UNKNOWN)


def leaks(label_source: str, text: str, text_policy: str, inputs: Sequence[str]) -> bool:
    """Whether a model reads the very statements that its labels were read from.

    Args:
        label_source: ``report``, ``annotation``, ``icd`` or ``simulation``.
        text: Origin of the text; one that is not known may be the statements.
        text_policy: ``full``, ``masked``, ``none`` or ``shuffled``.
        inputs: Of the model when it predicts, of ``ecg`` and ``text``.
    """
    other_text = text in (ANNOTATOR, NOTES, SIMULATION)
    return label_source == "report" and not other_text and text_policy == "full" and "text" in inputs


def origins(manifest: dict[str, Any], label_set: str, text_policy: str, inputs: Sequence[str]) -> dict[str, Any]:
    """What every result says of its labels and its text, with the leak mark.

    Args:
        manifest: Of the store that the number is made on.
        label_set: Name of the label set.
        text_policy: The model's.
        inputs: The model's, when it predicts.
    """
    source, text = manifest["labels"][label_set]["source"], text_origin(manifest)
    return {
        "labels": label_set,
        "label_source": source,
        "text_origin": text,
        "text_policy": text_policy,
        "inputs_at_test": list(inputs),
        "leaky": leaks(source, text, text_policy, inputs),
    }


def refuse_leak(found: dict[str, Any], allow_leaky: bool) -> None:
    """The gate.

    Args:
        found: As ``origins`` returns it.
        allow_leaky: Whether a leak is permitted; the number then carries the mark.

    Raises:
        ConfigError: If it leaks and that is not permitted.
    """
    if found["leaky"] and not allow_leaky:
        raise ConfigError(
            f"labels={found['labels']} is read from the report and text.policy=full feeds the same report to the"
            " model, so a look-up would score 100 %; train with text.policy=masked or a method without text, or set"
            " allow_leaky=true and accept the mark on every result"
        )


def shown_readouts(
    found: dict[str, Any], inputs: Mapping[str, Sequence[str]], allow_leaky: bool
) -> dict[str, dict[str, Any]]:
    """The gate for predictions beside a method's own: those that leak are left out, and said to be.

    Args:
        found: As ``origins`` returns it for the method.
        inputs: Inputs of each readout, by its name.
        allow_leaky: Whether a leak is permitted.

    Returns:
        Origins of each readout that may be shown, by its name.
    """
    shown = {}
    for name, seen in inputs.items():
        leaky = leaks(found["label_source"], found["text_origin"], found["text_policy"], seen)
        if leaky and not allow_leaky:
            log.info("readout %s is left out: it reads the report that the labels come from (allow_leaky=false)", name)
        else:
            shown[name] = found | {"inputs_at_test": list(seen), "leaky": leaky}
    return shown
