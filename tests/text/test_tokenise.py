"""Token tables: pieces equal the whole, truncation keeps what matters, saved equals loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, processors

from ecgmm.errors import DataError
from ecgmm.text.assemble import ReportTable, assemble
from ecgmm.text.coded import coded
from ecgmm.text.tokenise import StatementVocabulary, TransformerTokeniser, WordTokeniser

REPORTS = [
    ["sinus rhythm", "left axis deviation", "lvh with st-t changes"],
    ["sinus rhythm", "normal ecg"],
    [],
    ["atrial fibrillation with pvc(s)", "inferior infarct, old"],
    ["sinus rhythm", "normal ecg"],
]

statement = st.sampled_from([s for report in REPORTS for s in report] + ["r'>r in v1/v2", "unseen words (2:1)"])
reports = st.lists(st.lists(statement, max_size=6), max_size=8)


def rows(table: ReportTable) -> list[list[int]]:
    assert table.ids.dtype == table.lengths.dtype == np.int32
    assert all(not row[n:].any() for row, n in zip(table.ids, table.lengths, strict=True)), "padding is 0"
    return [row[:n].tolist() for row, n in zip(table.ids, table.lengths, strict=True)]


def learned(reports: list[list[str]], **settings: Any) -> WordTokeniser:
    """A tokeniser from reports of as many patients, one of whom is enough."""
    return WordTokeniser.train(reports, range(len(reports)), min_patients=1, **settings)


def words() -> WordTokeniser:
    return learned(REPORTS, min_frequency=1)


@given(reports)
def test_pieces_equal_the_whole_joined_report(batch: list[list[str]]) -> None:
    tokeniser = words()
    whole = [tokeniser._tokeniser.encode(" [SEP] ".join(r), add_special_tokens=False).ids for r in batch]
    assert rows(tokeniser.encode_reports(batch)) == whole


def test_ids_of_a_known_report() -> None:
    tokeniser = learned([["b a"], ["b, B"]], min_frequency=1)
    # specials 0-2, then b (3 times), then "," before "a" (once each)
    assert rows(tokeniser.encode_reports([["b a", "c"], ["B,"]])) == [[3, 5, 2, 1], [3, 4]]
    assert tokeniser.vocabulary_size == 6


def test_training_does_not_depend_on_the_order_of_reports() -> None:
    assert rows(learned(REPORTS[::-1], min_frequency=1).encode_reports(REPORTS)) == rows(
        words().encode_reports(REPORTS)
    )


def test_rare_words_and_surplus_words_are_unknown() -> None:
    assert rows(learned([["a a b"]], min_frequency=2).encode_reports([["a b"]])) == [[3, 1]]
    assert rows(learned([["a a b"]], min_frequency=1, max_vocabulary=4).encode_reports([["a b"]])) == [[3, 1]]


def test_no_report_at_all_gives_an_empty_table() -> None:
    assert words().encode_reports([]).ids.shape == (0, 1)
    assert rows(words().encode_reports([[], []])) == [[], []]


REPORT = ["missing lead(s): v1", "left axis deviation", "sinus rhythm", "inferior infarct, old", "rbbb and lafb"]


def test_truncation_keeps_diagnoses_first_in_their_order() -> None:
    pieces = [[10 + place] * 2 for place in range(len(REPORT))]
    for limit, kept in [
        (14, [10, 10, 2, 11, 11, 2, 12, 12, 2, 13, 13, 2, 14, 14]),
        (11, [11, 11, 2, 12, 12, 2, 13, 13, 2, 14, 14]),
        (8, [12, 12, 2, 13, 13, 2, 14, 14]),
        (7, [12, 2, 13, 13, 2, 14, 14]),
        (6, [13, 13, 2, 14, 14]),
        (5, [13, 13, 2, 14, 14]),
        (1, [13]),
    ]:
        assert rows(assemble(coded([REPORT]), pieces, limit, separator=[2])) == [kept]


@given(reports, st.integers(3, 20))
def test_no_report_is_longer_than_the_limit_and_short_ones_are_untouched(batch: list[list[str]], limit: int) -> None:
    full = rows(words().encode_reports(batch))
    cut = rows(words().encode_reports(batch, max_tokens=limit))
    for whole, short in zip(full, cut, strict=True):
        assert len(short) <= limit
        assert short == whole or len(whole) > limit
        assert bool(short) == bool(whole)


def test_saved_word_tokeniser_equals_loaded(tmp_path: Path) -> None:
    words().save(tmp_path / "text")
    loaded = WordTokeniser.load(tmp_path / "text")
    assert loaded.vocabulary_size == words().vocabulary_size
    assert rows(loaded.encode_reports(REPORTS)) == rows(words().encode_reports(REPORTS))
    with pytest.raises(DataError, match="nowhere"):
        WordTokeniser.load(tmp_path / "nowhere")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face tokenizer folder whose padding id is 1, as RoBERTa's is."""
    from transformers import PreTrainedTokenizerFast

    names = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", ".", "sinus", "rhythm", "normal", "ecg", "inferior", "infarct"]
    tokeniser = tokenizers.Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    tokeniser.normalizer = normalizers.Lowercase()
    tokeniser.pre_tokenizer = pre_tokenizers.Whitespace()
    tokeniser.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 2)]
    )
    folder = tmp_path_factory.mktemp("model")
    special = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, **special).save_pretrained(str(folder))
    return folder


def test_transformer_ids_equal_those_of_the_joined_text(model_folder: Path) -> None:
    tokeniser = TransformerTokeniser(model_folder)
    batch: Sequence[Sequence[str]] = [["sinus rhythm", "normal ecg"], ["inferior infarct"], []]
    expected = [tokeniser._tokeniser(". ".join(report))["input_ids"] if report else [] for report in batch]
    assert rows(tokeniser.encode_reports(batch)) == expected
    assert expected[0] == [0, 5, 6, 4, 7, 8, 2]
    assert tokeniser.vocabulary_size == 11


def test_padding_of_a_transformer_is_told_by_lengths_alone(model_folder: Path) -> None:
    table = TransformerTokeniser(model_folder).encode_reports([["sinus rhythm", "normal ecg"], ["normal ecg"], []])
    assert table.lengths.tolist() == [7, 4, 0]
    assert table.ids[1].tolist() == [0, 7, 8, 2, 0, 0, 0], "id 0 is [CLS] in place 0 and padding from place 4 on"


def test_transformer_truncation_keeps_the_special_tokens(model_folder: Path) -> None:
    tokeniser = TransformerTokeniser(model_folder, max_tokens=4)
    assert rows(tokeniser.encode_reports([["sinus rhythm", "inferior infarct"]])) == [[0, 9, 10, 2]]


def test_saved_transformer_tokeniser_equals_loaded(model_folder: Path, tmp_path: Path) -> None:
    TransformerTokeniser(model_folder).save(tmp_path / "copy")
    loaded = TransformerTokeniser.load(tmp_path / "copy")
    batch = [["sinus rhythm"]]
    assert rows(loaded.encode_reports(batch)) == rows(TransformerTokeniser(model_folder).encode_reports(batch))


def test_saved_transformer_tokeniser_keeps_no_path_of_this_machine(model_folder: Path, tmp_path: Path) -> None:
    TransformerTokeniser(model_folder).save(tmp_path / "copy")
    files = [path.read_text(encoding="utf-8") for path in (tmp_path / "copy").iterdir()]
    assert files
    assert not any(str(model_folder.parent) in text or "auto_map" in text for text in files)


def test_unknown_tokens_are_counted(model_folder: Path) -> None:
    assert words().count_unknown(["sinus zorblaxia"]) == (1, 2)
    assert TransformerTokeniser(model_folder).count_unknown(["sinus rhythm"])[0] == 0


def test_statement_vocabulary() -> None:
    vocabulary = StatementVocabulary.train(REPORTS, range(len(REPORTS)), min_patients=2)
    assert vocabulary.size == 4  # padding, unknown, "sinus rhythm" (3), "normal ecg" (2)
    assert vocabulary.encode(REPORTS).tolist() == [[2, 1, 1], [2, 3, 0], [0, 0, 0], [1, 1, 0], [2, 3, 0]]


def test_saved_statement_vocabulary_equals_loaded(tmp_path: Path) -> None:
    vocabulary = StatementVocabulary.train(REPORTS, range(len(REPORTS)), min_patients=1)
    vocabulary.save(tmp_path / "statements.json")
    loaded = StatementVocabulary.load(tmp_path / "statements.json")
    assert loaded.size == vocabulary.size
    np.testing.assert_array_equal(loaded.encode(REPORTS), vocabulary.encode(REPORTS))
    with pytest.raises(DataError, match=r"absent\.json"):
        StatementVocabulary.load(tmp_path / "absent.json")


def test_reports_of_several_blocks_are_put_together_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [row for report in REPORTS for row in rows(words().encode_reports([report], max_tokens=7))]
    monkeypatch.setattr("ecgmm.text.assemble._BLOCK", 2)
    assert rows(words().encode_reports(REPORTS, max_tokens=7)) == expected
    assert max(map(len, expected)) == 7
