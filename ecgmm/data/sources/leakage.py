"""The leak gate: do labels and text come from one statement of the truth? Every command that makes a number asks it.

The origin of a store's text stands in its manifest as ``text_origin``, that of labels in their set as ``source``. Only
labels read from the machine statements are in the very text that a model may see; the other pairs
(docs/understand/leakage.md) share at most an author.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.errors import ConfigError

log = logging.getLogger(__name__)

MACHINE, ANNOTATOR, NOTES, SIMULATION, UNKNOWN = "machine_statements", "annotator", "notes", "simulation", "unknown"
"""Origins of the reports of a store: the cart, those who annotated it too, the user's own notes, the simulation."""

OWN_REPORT = "own_report"
"""Source of the user's own labels that were read from the reports of the store, whosever words these are."""


@dataclass(frozen=True, config=ConfigDict(strict=False))  # metrics.json gives it as an object, which strict refuses
class Origins:
    """Facts of every result about its labels and its text, with the leak mark.

    Attributes:
        labels: Name of the label set.
        label_source: See ``LabelSet.source``.
        text_origin: Whose words the reports are; one that is not known may be the statements that labels come from.
        text_policy: ``full``, ``masked``, ``none`` or ``shuffled``.
        inputs_at_test: Inputs of the model when it predicts, of ``ecg`` and ``text``.
        leaky: Whether the model reads the very statements that its labels were read from.
    """

    labels: str
    label_source: str
    text_origin: str
    text_policy: str
    inputs_at_test: list[str]
    leaky: bool


def leaks(label_source: str, text: str, text_policy: str, inputs: Sequence[str]) -> bool:
    """Whether a model reads the very statements that its labels were read from.

    Args:
        label_source: See ``LabelSet.source``; labels of which it is not known may be read from any text.
        text: Origin of the text; one that is not known may be the statements.
        text_policy: ``full``, ``masked``, ``none`` or ``shuffled``.
        inputs: Of the model when it predicts, of ``ecg`` and ``text``.
    """
    from_statements = label_source == "report" and text not in (ANNOTATOR, NOTES, SIMULATION)
    from_text = from_statements or label_source in (OWN_REPORT, UNKNOWN)
    return from_text and text_policy == "full" and "text" in inputs


def origins_of(text_origin: str, labels: LabelSet, text_policy: str, inputs: Sequence[str]) -> Origins:
    """Origins of a result's labels and text.

    Args:
        text_origin: Of the store that the number is made on, as its manifest tells it.
        labels: The label set.
        text_policy: The model's.
        inputs: The model's, when it predicts.
    """
    leaky = leaks(labels.source, text_origin, text_policy, inputs)
    return Origins(labels.name, labels.source, text_origin, text_policy, list(inputs), leaky)


def refuse_leak(origins: Origins, allow_leaky: bool) -> None:
    """Refuse a leak that is not permitted.

    Args:
        origins: Of the result.
        allow_leaky: Whether a leak is permitted; the number then carries the mark.

    Raises:
        ConfigError: If it leaks and that is not permitted.
    """
    if origins.leaky and not allow_leaky and origins.label_source == UNKNOWN:
        raise ConfigError(
            f"nothing says where labels={origins.labels} come from, and labels that were read from the report leak into"
            " a model that reads it (text.policy=full); say it with labels.source=annotation, icd, other or report, or"
            " train with text.policy=masked or a method without text"
        )
    if origins.leaky and not allow_leaky:
        raise ConfigError(
            f"labels={origins.labels} is read from the report and text.policy=full feeds the same report to the"
            " model, so a look-up would score 100 %; train with text.policy=masked or a method without text, or set"
            " allow_leaky=true and accept the mark on every result"
        )


def shown_readouts(origins: Origins, inputs: Mapping[str, Sequence[str]], allow_leaky: bool) -> dict[str, Origins]:
    """Readouts beside a method's own prediction that may be shown; those that leak are left out, which is logged.

    Args:
        origins: Of the method's own predictions.
        inputs: Inputs of each readout, by its name.
        allow_leaky: Whether a leak is permitted.

    Returns:
        Origins of each readout that may be shown, by its name.
    """
    shown = {}
    for name, seen in inputs.items():
        leaky = leaks(origins.label_source, origins.text_origin, origins.text_policy, seen)
        if leaky and not allow_leaky:
            log.info("readout %s is left out: it reads the report that the labels come from (allow_leaky=false)", name)
        else:
            shown[name] = replace(origins, inputs_at_test=list(seen), leaky=leaky)
    return shown
