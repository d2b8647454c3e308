"""Reports as padded tables of token ids, each distinct statement tokenised once (docs/engineering-log.md)."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import models, normalizers, pre_tokenizers

from ecgmm.errors import DataError
from ecgmm.pretrained import load_pretrained
from ecgmm.text.assemble import ReportTable, assemble
from ecgmm.text.closed import known_statements, known_texts
from ecgmm.text.coded import Reports, coded
from ecgmm.text.glossary import glossary as texts_of_glossary
from ecgmm.text.rarity import MIN_PATIENTS, Mentions, mentions, n_patients
from ecgmm.types import PADDING_ID, UNKNOWN_ID

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[SEP]")
_FILE = "tokenizer.json"
_NORMALISER = normalizers.Lowercase()
_SPLITTER = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")])
_OF_THIS_MACHINE = (
    "name_or_path",
    "_name_or_path",
    "tokenizer_file",
    "vocab_file",
    "merges_file",
    "special_tokens_map_file",
    "auto_map",
)


class WordTokeniser:
    """Words and punctuation marks in lower case; [SEP] stands between statements.

    Attributes:
        vocabulary_size: Number of ids, specials included.
        unknown_id: Id of a word that the vocabulary lacks.
    """

    unknown_id = UNKNOWN_ID

    def __init__(self, tokeniser: tokenizers.Tokenizer) -> None:
        self._tokeniser = tokeniser
        self.vocabulary_size: int = tokeniser.get_vocab_size()

    @classmethod
    def train(
        cls,
        reports: Reports,
        patients: Sequence[Any] | NDArray[Any],
        min_frequency: int = 2,
        max_vocabulary: int = 8192,
        glossary: bool = False,
        closed: bool = False,
        min_patients: int = MIN_PATIENTS,
        described: Sequence[str] = (),
    ) -> Self:
        """Take the most frequent words; ties go by the alphabet, so the order of reports does not matter.

        Args:
            reports: Cleaned statements of each training report, each report as often as it should count.
            patients: The patient of each report.
            min_frequency: Rarer words become [UNK].
            max_vocabulary: Largest number of ids of specials and words of reports.
            glossary: Add the words of ``glossary`` (prompts, class descriptions) that the reports lack.
            closed: Take all words of ``known_texts`` and none from the reports.
            min_patients: Words of fewer patients become [UNK] unless they are words of ``known_texts``.
            described: The user's own descriptions of classes, which belong to the glossary.
        """
        if closed:
            kept = [*SPECIAL_TOKENS, *_known_words()]
        else:
            frequent = _frequent(mentions(reports, patients), min_frequency, min_patients)
            kept = [*SPECIAL_TOKENS, *frequent[: max_vocabulary - len(SPECIAL_TOKENS)]]
        if glossary:
            kept += [word for text in (*texts_of_glossary(), *described) for word in words_of(text)]
        return cls.of_words(dict.fromkeys(kept))

    @classmethod
    def of_words(cls, words: Iterable[str]) -> Self:
        """With these words in order of their ids, the special tokens first."""
        vocabulary = {word: index for index, word in enumerate(words)}
        tokeniser = tokenizers.Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=SPECIAL_TOKENS[UNKNOWN_ID]))
        tokeniser.normalizer, tokeniser.pre_tokenizer = _NORMALISER, _SPLITTER
        tokeniser.add_special_tokens(list(SPECIAL_TOKENS))
        return cls(tokeniser)

    @property
    def words(self) -> dict[str, int]:
        """Id of each word."""
        return self._tokeniser.get_vocab()

    def encode_reports(self, reports: Reports, max_tokens: int = 256) -> ReportTable:
        """Token ids of each report: its statements in order with [SEP] between; see ``assemble`` for truncation."""
        numbered = coded(reports)
        encodings = self._tokeniser.encode_batch_fast(numbered.distinct, add_special_tokens=False)
        separator = [SPECIAL_TOKENS.index("[SEP]")]
        return assemble(numbered, [encoding.ids for encoding in encodings], max_tokens, separator=separator)

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text, without specials."""
        ids: list[int] = self._tokeniser.encode(text, add_special_tokens=False).ids
        return ids

    def count_unknown(self, statements: Sequence[str]) -> tuple[int, int]:
        """How many words of some cleaned statements the vocabulary lacks, and how many they have."""
        ids = [index for statement in statements for index in self.encode_text(statement)]
        return ids.count(UNKNOWN_ID), len(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Words of token ids; [SEP] reads as the end of a sentence."""
        text: str = self._tokeniser.decode(list(ids), skip_special_tokens=False)
        return text.replace(" [SEP]", ".")

    def statements_in(self, ids: Sequence[int]) -> list[str]:
        """Statements of the token ids of a report; punctuation marks stand apart."""
        parts = self._tokeniser.decode(list(ids), skip_special_tokens=False).split("[SEP]")
        return [part.strip() for part in parts if part.strip()]

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` into a folder."""
        self._tokeniser.save(str(_made(folder) / _FILE))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            DataError: If the folder holds no ``tokenizer.json``.
        """
        _must_exist(folder / _FILE)
        return cls(tokenizers.Tokenizer.from_file(str(folder / _FILE)))


class TransformerTokeniser:
    """A Hugging Face tokenizer; statements are sentences, set apart by its ".".

    A report is ``[CLS] statement . statement [SEP]`` in the model's own special tokens, an empty report has no token at
    all. Padding is ``PADDING_ID`` whatever the model's own id: only ``ReportTable.lengths`` says what is padding.

    Attributes:
        name_or_path: Hub name or local folder.
        max_tokens: Longest input of the model.
        vocabulary_size: Number of ids.
    """

    def __init__(self, name_or_path: str | Path, max_tokens: int = 256) -> None:
        from transformers import AutoTokenizer  # heavy import, needed only here

        self.name_or_path = str(name_or_path)
        self.max_tokens = max_tokens
        self._tokeniser: Any = load_pretrained(AutoTokenizer, "text.tokeniser.name_or_path", self.name_or_path)
        self.vocabulary_size: int = len(self._tokeniser)

    @classmethod
    def of(cls, tokeniser: Any, max_tokens: int = 256) -> Self:
        """Around a tokenizer that is loaded already."""
        made = cls.__new__(cls)
        made.name_or_path, made.max_tokens = "", max_tokens
        made._tokeniser, made.vocabulary_size = tokeniser, len(tokeniser)
        return made

    @property
    def unknown_id(self) -> int:
        """Id of what the vocabulary lacks; that of padding where it lacks nothing, as of byte pairs."""
        unknown: int | None = self._tokeniser.unk_token_id
        return PADDING_ID if unknown is None else unknown

    @property
    def words(self) -> dict[str, int]:
        """Id of each token."""
        ids: dict[str, int] = self._tokeniser.get_vocab()
        return ids

    def encode_reports(self, reports: Reports, max_tokens: int = 256) -> ReportTable:
        """Token ids of each report with the model's special tokens; at most the smaller of the two limits."""
        numbered = coded(reports)
        pieces = self._tokeniser(numbered.distinct, add_special_tokens=False)["input_ids"] if numbered.distinct else []
        own = self._tokeniser
        first = own.cls_token_id if own.cls_token_id is not None else own.bos_token_id
        last = own.sep_token_id if own.sep_token_id is not None else own.eos_token_id
        return assemble(
            numbered,
            pieces,
            min(max_tokens, self.max_tokens),
            prefix=[] if first is None else [first],
            separator=own(".", add_special_tokens=False)["input_ids"],
            suffix=[] if last is None else [last],
        )

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text, without specials."""
        ids: list[int] = self._tokeniser(text, add_special_tokens=False)["input_ids"]
        return ids

    def count_unknown(self, statements: Sequence[str]) -> tuple[int, int]:
        """How many tokens of some cleaned statements the vocabulary lacks, and how many they have."""
        ids = [index for statement in statements for index in self.encode_text(statement)]
        return ids.count(self._tokeniser.unk_token_id), len(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without specials."""
        text: str = self._tokeniser.decode(list(ids), skip_special_tokens=True)
        return text

    def statements_in(self, ids: Sequence[int]) -> list[str]:
        """Statements of the token ids of a report: its sentences; a point before a digit is none's end."""
        parts = re.split(r"\.(?!\d)", self.decode(ids))
        return [part.strip() for part in parts if part.strip()]

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` and its settings into a folder, from which the constructor reads them.

        The settings keep neither paths of this machine nor what would ask to run code of others.
        """
        self._tokeniser.save_pretrained(str(_made(folder)))
        settings = folder / "tokenizer_config.json"
        facts = json.loads(settings.read_text(encoding="utf-8"))
        kept = {key: value for key, value in facts.items() if key not in _OF_THIS_MACHINE}
        settings.write_text(json.dumps(kept, ensure_ascii=False, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, max_tokens: int = 256) -> Self:
        """Read what ``save`` wrote.

        Raises:
            DataError: If the folder holds no ``tokenizer.json``.
        """
        _must_exist(folder / _FILE)
        return cls(folder, max_tokens)


class StatementVocabulary:
    """One id per statement, for the bag-of-statements control: 0 padding, 1 unknown, then statements by frequency.

    Attributes:
        size: Number of ids.
        statements: The statements in order of their ids, the first has id 2.
    """

    def __init__(self, statements: Iterable[str]) -> None:
        self.statements = tuple(statements)
        self._ids = {statement: index for index, statement in enumerate(self.statements, start=UNKNOWN_ID + 1)}
        self.size = len(self._ids) + UNKNOWN_ID + 1

    @classmethod
    def train(cls, reports: Reports, patients: Sequence[Any] | NDArray[Any], min_patients: int = MIN_PATIENTS) -> Self:
        """Take the statements of at least ``min_patients`` patients, by frequency; ties go by the alphabet.

        Examples of the rule table are no patient's: as many mentions are enough for them.

        Args:
            reports: Cleaned statements of each training report.
            patients: The patient of each report.
            min_patients: What fewer patients have is unknown.
        """
        mentioned, known = mentions(reports, patients), frozenset(known_statements())
        frequent = [
            (-count, statement)
            for statement, count, people in zip(*mentioned, strict=True)
            if len(people) >= min_patients or (count >= min_patients and statement in known)
        ]
        return cls(statement for _, statement in sorted(frequent))

    def encode(self, reports: Reports) -> NDArray[np.int32]:
        """Statement ids int32 ``[R, S]`` in order of mention, padded right with 0 to the longest report (S >= 1)."""
        numbered = coded(reports)
        counts = numbered.counts
        table = np.full((len(counts), max(counts.max(initial=1), 1)), PADDING_ID, np.int32)
        ids = np.array([self._ids.get(statement, UNKNOWN_ID) for statement in numbered.distinct], dtype=np.int32)
        table[np.arange(table.shape[1]) < counts[:, None]] = ids[numbered.codes]
        return table

    def save(self, path: Path) -> None:
        """Write the statements as JSON, in order of their ids."""
        path.write_text(json.dumps(self.statements, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            DataError: If there is no such file.
        """
        _must_exist(path)
        return cls(json.loads(path.read_text(encoding="utf-8")))


def words_of(text: str) -> list[str]:
    """Words and punctuation marks of a text, in lower case."""
    return [word for word, _ in _SPLITTER.pre_tokenize_str(_NORMALISER.normalize_str(text))]


@cache
def _known_words() -> dict[str, None]:
    """Words of ``known_texts``, each once and in order."""
    return dict.fromkeys(word for text in known_texts() for word in words_of(text))


def _frequent(mentioned: Mentions, min_frequency: int, min_patients: int) -> list[str]:
    """Words that are neither rare nor those of few patients, the most frequent first."""
    counts: Counter[str] = Counter()
    groups: dict[str, list[NDArray[np.int64]]] = {}
    for statement, count, people in zip(*mentioned, strict=True):
        for word in words_of(statement):
            counts[word] += count
            groups.setdefault(word, []).append(people)
    known = _known_words()
    kept = [
        word
        for word, count in counts.items()
        if count >= min_frequency and (word in known or n_patients(groups[word]) >= min_patients)
    ]
    return sorted(kept, key=lambda word: (-counts[word], word))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path} does not exist; give the folder that a training run saved its tokeniser in")
