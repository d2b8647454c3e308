"""Reports as padded tables of token ids, each distinct statement tokenised once (docs/performance.md)."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import models, normalizers, pre_tokenizers

from ecgmm.errors import DataError
from ecgmm.pretrained import load_pretrained
from ecgmm.text.assemble import ReportTable, assemble
from ecgmm.text.coded import Reports, coded
from ecgmm.text.glossary import glossary as texts_of_glossary
from ecgmm.types import PADDING_ID, UNKNOWN_ID

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[SEP]")
_FILE = "tokenizer.json"


class WordTokeniser:
    """Words and punctuation marks in lower case, from the training reports; [SEP] stands between statements.

    Attributes:
        vocabulary_size: Number of ids, specials included.
    """

    def __init__(self, tokeniser: tokenizers.Tokenizer) -> None:
        self._tokeniser = tokeniser
        self.vocabulary_size: int = tokeniser.get_vocab_size()

    @classmethod
    def train(
        cls, reports: Reports, min_frequency: int = 2, max_vocabulary: int = 8192, glossary: bool = False
    ) -> Self:
        """Take the most frequent words; ties go by the alphabet, so the order of reports does not matter.

        Args:
            reports: Cleaned statements of each training report, each report as often as it should count.
            min_frequency: Rarer words become [UNK].
            max_vocabulary: Largest number of ids of specials and words of reports.
            glossary: Add the words of ``glossary`` (prompts, class descriptions) that the reports lack.
        """
        tokeniser = tokenizers.Tokenizer(models.WordLevel(vocab={}, unk_token=SPECIAL_TOKENS[UNKNOWN_ID]))
        tokeniser.normalizer = normalizers.Lowercase()
        tokeniser.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
        )

        def words(text: str) -> list[str]:
            normal = tokeniser.normalizer.normalize_str(text)
            return [word for word, _ in tokeniser.pre_tokenizer.pre_tokenize_str(normal)]

        counts: Counter[str] = Counter()
        for statement, count in _counts(reports):
            for word in words(statement):
                counts[word] += count
        frequent = sorted((word for word in counts if counts[word] >= min_frequency), key=lambda w: (-counts[w], w))
        kept = [*SPECIAL_TOKENS, *frequent[: max_vocabulary - len(SPECIAL_TOKENS)]]
        if glossary:
            kept += [word for text in texts_of_glossary() for word in words(text)]
        vocabulary = {word: index for index, word in enumerate(dict.fromkeys(kept))}
        tokeniser.model = models.WordLevel(vocab=vocabulary, unk_token=SPECIAL_TOKENS[UNKNOWN_ID])
        tokeniser.add_special_tokens(list(SPECIAL_TOKENS))
        return cls(tokeniser)

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

    def decode(self, ids: Sequence[int]) -> str:
        """Words of token ids; [SEP] reads as the end of a sentence."""
        text: str = self._tokeniser.decode(list(ids), skip_special_tokens=False)
        return text.replace(" [SEP]", ".")

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

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without specials."""
        text: str = self._tokeniser.decode(list(ids), skip_special_tokens=True)
        return text

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` and its settings into a folder, from which the constructor reads them."""
        self._tokeniser.save_pretrained(str(_made(folder)))

    @classmethod
    def load(cls, folder: Path, max_tokens: int = 256) -> Self:
        """Read what ``save`` wrote.

        Raises:
            DataError: If the folder holds no ``tokenizer.json``.
        """
        _must_exist(folder / _FILE)
        return cls(folder, max_tokens)


class StatementVocabulary:
    """One id a statement, for the bag-of-statements control: 0 padding, 1 unknown, then statements by frequency.

    Attributes:
        size: Number of ids.
        statements: The statements in order of their ids, the first has id 2.
    """

    def __init__(self, statements: Iterable[str]) -> None:
        self.statements = tuple(statements)
        self._ids = {statement: index for index, statement in enumerate(self.statements, start=UNKNOWN_ID + 1)}
        self.size = len(self._ids) + UNKNOWN_ID + 1

    @classmethod
    def train(cls, reports: Reports, min_count: int = 1) -> Self:
        """Take the statements that occur at least ``min_count`` times; ties go by the alphabet."""
        frequent = [(-count, statement) for statement, count in _counts(reports) if count >= min_count]
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


def _counts(reports: Reports) -> Iterable[tuple[str, int]]:
    """How often each distinct statement is mentioned."""
    numbered = coded(reports)
    return zip(numbered.distinct, np.bincount(numbered.codes).tolist(), strict=True)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"{path} does not exist; give the folder that a training run saved its tokeniser in")
