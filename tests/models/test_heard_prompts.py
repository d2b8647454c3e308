"""Descriptions of classes in words that training has shown: a rule on words alone."""

from dataclasses import replace

from ecgmm.models.heard_prompts import heard_descriptions, with_heard
from ecgmm.models.text_bank import TextBank
from ecgmm.text.tokenise import WordTokeniser

STATEMENTS = ("sinus rhythm", "normal ecg", "inferior infarct, old", "anterior infarct", "infarct and sinus rhythm")
TOKENISER = WordTokeniser.train([STATEMENTS], [1], min_frequency=1, glossary=True, min_patients=1)


def texts(*classes: str, **described: tuple[str, ...]) -> TextBank:
    heard = frozenset(TOKENISER.encode_text(" ".join(STATEMENTS)))
    return TextBank(classes, STATEMENTS, TOKENISER, 32, described, heard)


def used(bank: TextBank) -> dict[str, tuple[str, ...]]:
    return {one.written: one.used for one in heard_descriptions(bank)}


def test_words_of_training_stay_as_they_are() -> None:
    assert used(texts("NORM", NORM=("normal ecg",))) == {"normal ecg": ("normal ecg",)}


def test_an_unheard_word_gives_way_to_statements_of_the_same_finding_and_no_other() -> None:
    (one,) = heard_descriptions(texts("MI", MI=("myocardial infarction",)))
    assert one.unheard == 2  # the word has an id, from the glossary, and an embedding that nothing trained
    assert one.used == ("inferior infarct, old", "anterior infarct")


def test_a_description_without_such_a_statement_leaves_the_others_to_speak() -> None:
    assert used(texts("CD", CD=("av block", "normal rhythm"))) == {"av block": (), "normal rhythm": ("normal rhythm",)}


def test_without_either_the_words_that_were_heard_stay_and_else_all() -> None:
    assert used(texts("X", X=("sinus of valsalva",))) == {"sinus of valsalva": ("sinus",)}
    assert used(texts("Y", Y=("heart failure",))) == {"heart failure": ("heart failure",)}


def test_prompts_stand_once_and_models_of_earlier_versions_go_by_their_statements() -> None:
    bank = texts("MI", MI=("myocardial infarction", "anterior infarct"))
    prompts = ("inferior infarct, old", "anterior infarct")
    assert with_heard(bank, heard_descriptions(bank)).descriptions("MI") == prompts
    assert heard_descriptions(replace(bank, heard=None)) == heard_descriptions(bank)
