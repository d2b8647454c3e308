"""Words that methods add themselves: class descriptions, prompt templates, questions to language models.

Descriptions and features of the waveform are tables (``class_descriptions.csv``, ``waveform_features.csv``), in the
wording of ECG carts, so that a vocabulary learned from reports knows most of their words. The words of
``class_descriptions_more.csv`` are added to no vocabulary: ids of words that saved runs use would change.
"""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CLASS_TEMPLATES = ("{}", "ecg showing {}", "findings consistent with {}")
"""Templates of class prompts; their embeddings are averaged (Radford et al., arXiv 2103.00020, section 3.1.4)."""

INSTRUCTION = "given the ecg signal write the report :"
QUESTION = "which diagnosis is it ?"
ANSWER = "answer :"

OPTION_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Answers of a multiple choice, one per class."""


def class_descriptions(name: str) -> tuple[str, ...]:
    """Descriptions of a class in words; a class without an entry (an ICD code) is described by its own name."""
    more = _table("class_descriptions_more.csv").get(name, (name,))
    return _table("class_descriptions.csv").get(name, more)


def waveform_features(finding: str) -> tuple[str, ...]:
    """Waveform features of a finding (its name in the rule table); empty where nothing is known."""
    return _table("waveform_features.csv").get(finding, ())


def glossary() -> Iterator[str]:
    """Every text of this module, for vocabularies that are learned from reports."""
    yield from (template.format("") for template in CLASS_TEMPLATES)
    yield from (INSTRUCTION, QUESTION, ANSWER, " ".join(OPTION_LETTERS))
    for name in ("class_descriptions.csv", "waveform_features.csv"):
        for key, texts in _table(name).items():
            yield from (key.replace("_", " "), *texts)


@cache
def _table(name: str) -> dict[str, tuple[str, ...]]:
    table: dict[str, list[str]] = {}
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        for key, text in list(csv.reader(file))[1:]:
            table.setdefault(key, []).append(text)
    return {key: tuple(texts) for key, texts in table.items()}
