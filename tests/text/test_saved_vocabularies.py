"""Vocabularies of a saved model from others: data of a known form, or a refusal."""

import json
from pathlib import Path
from typing import Any

import pytest

from ecgmm.text.saved_vocabularies import statements_from, transformer_tokeniser_from, word_tokeniser_from
from ecgmm.text.tokenise import WordTokeniser

SLOW = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}


@pytest.fixture
def saved(tmp_path: Path) -> dict[str, Any]:
    WordTokeniser.train([["sinus rhythm", "normal ecg"]] * 5, range(5)).save(tmp_path)
    found: dict[str, Any] = json.loads((tmp_path / "tokenizer.json").read_text())
    return found


def test_what_was_saved_reads_the_same(saved: dict[str, Any]) -> None:
    reports = [["sinus rhythm"], ["abnormal ecg", "normal"]]
    trained = WordTokeniser.train([["sinus rhythm", "normal ecg"]] * 5, range(5))
    loaded = word_tokeniser_from(json.dumps(saved).encode())
    assert loaded.encode_reports(reports).ids.tolist() == trained.encode_reports(reports).ids.tolist()


@pytest.mark.parametrize("part", ["normalizer", "pre_tokenizer", "post_processor", "decoder"])
def test_no_expression_of_a_file_runs(saved: dict[str, Any], part: str) -> None:
    loaded = word_tokeniser_from(json.dumps(saved | {part: SLOW}).encode())
    assert loaded.encode_text("a" * 40 + "b") == loaded.encode_text("unknown")


@pytest.mark.parametrize(
    "vocabulary",
    [None, [], {}, {"[PAD]": 0}, {"[PAD]": 1, "[UNK]": 0, "[SEP]": 2}, {"[PAD]": 0, "[UNK]": 1, "[SEP]": 2, "a": 4},
     {"[PAD]": 0, "[UNK]": 1, "[SEP]": 2, "a": 2}, {"[PAD]": 0, "[UNK]": 1, "[SEP]": 2, "a": "3"},
     {"[PAD]": 0, "[UNK]": 1, "[SEP]": 2, "a": 3.0}, {"[PAD]": False, "[UNK]": True, "[SEP]": 2}],
    ids=str,
)  # fmt: skip
def test_a_vocabulary_that_numbers_no_words_is_refused(saved: dict[str, Any], vocabulary: Any) -> None:
    saved["model"]["vocab"] = vocabulary
    with pytest.raises(ValueError, match=r"its|in it"):
        word_tokeniser_from(json.dumps(saved).encode())


def test_an_unknown_expression_of_another_tokeniser_is_refused(saved: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="regular expression"):
        transformer_tokeniser_from(json.dumps(saved | {"normalizer": SLOW}).encode(), b"{}")


def test_code_that_settings_name_is_not_looked_at(saved: dict[str, Any], tmp_path: Path) -> None:
    settings = {
        "tokenizer_class": "Evil",
        "auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]},
        "sep_token": "[SEP]",
    }
    loaded = transformer_tokeniser_from(json.dumps(saved).encode(), json.dumps(settings).encode())
    assert loaded.encode_text("sinus rhythm") == word_tokeniser_from(json.dumps(saved).encode()).encode_text(
        "sinus rhythm"
    )


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'[["a"]]', b'["a", "a"]', b"null", b'{"a": 1}', b"[" * 100_000]
)
def test_what_is_no_list_of_statements_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        statements_from(content)
