"""A multiple choice: one letter a class, whatever the tokeniser."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig

from ecgmm.errors import ConfigError
from ecgmm.models.language_model import LanguageModel
from ecgmm.models.option_letters import OptionLetters
from ecgmm.models.text_bank import TextBank
from ecgmm.text.assemble import ReportTable
from ecgmm.text.tokenise import WordTokeniser
from tests.models.building import STATEMENTS, TEXTS, TOKENISER

SIZE = TOKENISER.vocabulary_size


class SpaceAware:
    """Writes a word behind another as another token than a word that stands first, as byte-pair encodings do."""

    def encode_text(self, text: str) -> list[int]:
        first, *others = text.lower().split()
        return [ord(first[0]), *(128 + ord(word[0]) for word in others)]

    def encode_reports(self, reports: Sequence[Sequence[str]], max_tokens: int) -> ReportTable:
        raise AssertionError("a question is not a report")

    @property
    def words(self) -> dict[str, int]:
        raise AssertionError("nothing is learnt from its words")

    def decode(self, ids: Sequence[int]) -> str:
        raise AssertionError("letters are chosen by their logits, not by their text")


def test_the_question_names_every_class_and_ends_with_the_answer_to_be_given() -> None:
    options = OptionLetters()
    options.bind(TEXTS)
    assert TOKENISER.decode(options.question.tolist()) == (
        "which diagnosis is it ? a : normal ecg , b : myocardial infarction , c : conduction disturbance answer :"
    )
    assert [TOKENISER.decode([letter]) for letter in options.letters.tolist()] == ["a", "b", "c"]


def test_letters_are_read_as_they_stand_behind_the_answer() -> None:
    options = OptionLetters()
    options.bind(replace(TEXTS, tokeniser=SpaceAware()))
    assert options.letters.tolist() == [128 + ord(letter) for letter in "abc"]


def test_logits_are_those_of_the_letters_against_none() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=SIZE, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    model, options = LanguageModel(None, SIZE, config), OptionLetters()
    options.bind(TEXTS)
    states = torch.randn(5, 16)
    next_token = model.next_token_logits(states)
    logits = options(model, states)
    torch.testing.assert_close(logits.softmax(dim=1), next_token[:, options.letters].softmax(dim=1))
    none = next_token[:, [int(options.question[0])]]
    two = torch.stack([next_token[:, options.letters], none.expand(-1, 3)]).softmax(dim=0)
    torch.testing.assert_close(logits.sigmoid(), two[0])


def test_more_classes_than_letters_are_refused() -> None:
    texts = replace(TEXTS, class_names=tuple(f"class {n}" for n in range(27)))
    with pytest.raises(ConfigError, match=r"27 classes .* choose labels with at most 26 classes"):
        OptionLetters().bind(texts)


def test_letters_that_the_tokeniser_does_not_know_are_refused() -> None:
    without_glossary = WordTokeniser.train([STATEMENTS], [1], min_frequency=1, min_patients=1)
    texts = TextBank(TEXTS.class_names, TEXTS.statements, without_glossary, TEXTS.max_tokens)
    with pytest.raises(ConfigError, match="each of the letters"):
        OptionLetters().bind(texts)
