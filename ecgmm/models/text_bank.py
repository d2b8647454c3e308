"""Words that a method is bound to: class names, the statement vocabulary and the tokeniser of the reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.text.assemble import ReportTable
from ecgmm.text.glossary import class_descriptions


class Tokeniser(Protocol):
    """Tokeniser of the reports, as far as methods use it."""

    @property
    def words(self) -> dict[str, int]:
        """Id of each word or token."""

    def encode_reports(self, reports: Sequence[Sequence[str]], max_tokens: int) -> ReportTable:
        """Token ids of reports with the model's special tokens, padded."""

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids."""


@dataclass(frozen=True)
class TextBank:
    """Words that a method is bound to before training, and again when it is loaded.

    Attributes:
        class_names: The K classes in the order of the logits.
        statements: Statements in order of their ids in ``Batch.statement_ids``; the first has id 2.
        tokeniser: The tokeniser that made ``Batch.token_ids``.
        max_tokens: Longest text in tokens.
        described: The user's own descriptions of classes, by name.
        heard: Ids of the tokens that reports of training hold; None takes those of ``statements`` (models of earlier
            versions do not say).
    """

    class_names: tuple[str, ...]
    statements: tuple[str, ...]
    tokeniser: Tokeniser
    max_tokens: int
    described: Mapping[str, Sequence[str]] = field(default_factory=dict)
    heard: frozenset[int] | None = None

    def descriptions(self, name: str) -> Sequence[str]:
        """Descriptions of a class in words: the user's own, else those of the glossary."""
        return self.described.get(name) or class_descriptions(name)

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokenise each text as a report of one statement.

        Returns:
            Token ids int64 ``[n, N]``, right-padded, and their mask bool ``[n, N]``, as in a ``Batch``.
        """
        table = self.tokeniser.encode_reports([[text] for text in texts], self.max_tokens)
        ids: NDArray[np.int32] = table.ids
        mask = torch.arange(ids.shape[1]) < torch.from_numpy(table.lengths)[:, None]
        return torch.from_numpy(ids).long(), mask

    def pieces(self, text: str) -> Tensor:
        """Token ids of a text without special tokens: int64 ``[N]``."""
        return torch.tensor(self.tokeniser.encode_text(text), dtype=torch.int64)
