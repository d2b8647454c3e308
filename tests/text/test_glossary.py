"""Words that methods bring of their own."""

import pytest

from ecgmm.data.sources.labels.superclass import CLASSES
from ecgmm.text.glossary import (
    ANSWER,
    CLASS_TEMPLATES,
    INSTRUCTION,
    OPTION_LETTERS,
    QUESTION,
    class_descriptions,
    glossary,
    waveform_features,
)
from ecgmm.text.tokenise import WordTokeniser
from ecgmm.types import UNKNOWN_ID


@pytest.mark.parametrize("name", CLASSES)
def test_every_superclass_is_described_in_words(name: str) -> None:
    assert class_descriptions(name) != (name,)


def test_class_that_the_table_lacks_is_described_by_its_own_name() -> None:
    assert class_descriptions("I48") == ("I48",)


def test_features_are_those_of_the_finding() -> None:
    assert "no p waves" in waveform_features("atrial_fibrillation")
    assert waveform_features("no such finding") == ()


def test_vocabulary_that_takes_the_glossary_knows_all_words_that_methods_write() -> None:
    tokeniser = WordTokeniser.train([["sinus rhythm"]], [1], min_frequency=1, glossary=True)
    written = [
        template.format(text) for name in CLASSES for text in class_descriptions(name) for template in CLASS_TEMPLATES
    ]
    written += [INSTRUCTION, QUESTION, ANSWER, *OPTION_LETTERS, *waveform_features("atrial_fibrillation")]
    unknown = [text for text in (*written, *glossary()) if UNKNOWN_ID in tokeniser.encode_text(text)]
    assert unknown == []
    without = WordTokeniser.train([["sinus rhythm"]], [1], min_frequency=1)
    assert UNKNOWN_ID in without.encode_text(QUESTION)
