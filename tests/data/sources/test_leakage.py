"""The leak gate, for every pair of a label set's source and a text's origin."""

from dataclasses import asdict
from itertools import product

import pytest

from ecgmm.data.sources.labels.label_set import LabelSet
from ecgmm.data.sources.leakage import (
    ANNOTATOR,
    MACHINE,
    NOTES,
    SIMULATION,
    UNKNOWN,
    leaks,
    origins_of,
    refuse_leak,
    shown_readouts,
)
from ecgmm.errors import ConfigError
from ecgmm.text.policy import POLICIES

SOURCES = ("report", "annotation", "icd", "simulation")
ORIGINS = (MACHINE, ANNOTATOR, NOTES, SIMULATION, UNKNOWN)
LEAKING = {("report", MACHINE, "full"), ("report", UNKNOWN, "full")}
EACH = list(product(SOURCES, ORIGINS, POLICIES))


def labels_from(source: str) -> LabelSet:
    return LabelSet("superclass", ("NORM", "MI"), source, "rules")


@pytest.mark.parametrize(("source", "text", "policy"), EACH)
def test_only_labels_read_from_the_text_that_the_model_reads_whole_leak(source: str, text: str, policy: str) -> None:
    for inputs in (("text",), ("ecg", "text")):
        assert leaks(source, text, policy, inputs) == ((source, text, policy) in LEAKING)
    assert not leaks(source, text, policy, ("ecg",))
    assert not leaks(source, text, policy, ())


@pytest.mark.parametrize(("source", "text", "policy"), EACH)
def test_the_gate_refuses_what_leaks_unless_it_is_allowed_and_says_where_all_came_from(
    source: str, text: str, policy: str
) -> None:
    found = origins_of(text, labels_from(source), policy, ("ecg", "text"))
    assert asdict(found) == {
        "labels": "superclass",
        "label_source": source,
        "text_origin": text,
        "text_policy": policy,
        "inputs_at_test": ["ecg", "text"],
        "leaky": (source, text, policy) in LEAKING,
    }
    refuse_leak(found, allow_leaky=True)
    if found.leaky:
        with pytest.raises(ConfigError, match="allow_leaky=true"):
            refuse_leak(found, allow_leaky=False)
    else:
        refuse_leak(found, allow_leaky=False)


def test_an_origin_that_is_not_known_may_be_the_statements() -> None:
    assert leaks("report", "dictated", "full", ("text",))


def test_a_readout_has_a_gate_of_its_own() -> None:
    found = origins_of(MACHINE, labels_from("report"), "full", ("ecg",))
    inputs = {"report": ("ecg", "text"), "linear_probe": ("ecg",)}
    assert not found.leaky
    assert {name: one.leaky for name, one in shown_readouts(found, inputs, True).items()} == {
        "report": True,
        "linear_probe": False,
    }
    assert list(shown_readouts(found, inputs, False)) == ["linear_probe"]
