"""Protocols of the encoders that methods are built from; every choice of ``ecg_encoder`` and ``text_encoder`` fits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor, nn

if TYPE_CHECKING:
    from ecgmm.models.text_encoders.known_texts import KnownTexts


class EcgEncoder(Protocol):
    """Encoder of waveforms, an ``nn.Module``; calling it embeds a record, its parts give features over time.

    Attributes:
        dim: Width D of the embedding.
        n_channels: Number C of features at each time.
    """

    dim: int
    n_channels: int

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Embed float waveforms of any length: ``[B, 12, T] -> [B, D]``, the pooled ``features``."""

    def features(self, waveforms: Tensor) -> Tensor:
        """Compute features over time: float ``[B, 12, T] -> [B, C, T']``."""

    def pooling(self, features: Tensor) -> Tensor:
        """Embed features: ``[B, C, T'] -> [B, D]``."""


class TextEncoder(Protocol):
    """Encoder of reports, an ``nn.Module``; calling it embeds a report, its parts give states of single tokens.

    Token ids are int64 ``[B, N]``, their mask is bool ``[B, N]``, True at real tokens. A report without tokens has an
    embedding of zeros.

    Attributes:
        dim: Width D of the embedding.
        width: Width of word embeddings and token states.
    """

    dim: int
    width: int

    def __call__(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Embed reports: ``[B, N] -> [B, D]``, the summarised ``token_states``."""

    def embed(self, token_ids: Tensor) -> Tensor:
        """Look words up: ``[B, N] -> [B, N, width]``."""

    def token_states(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Compute a state for each token: ``[B, N] -> [B, N, width]``; undefined at masked positions."""

    def summarise(self, states: Tensor, token_mask: Tensor) -> Tensor:
        """Embed reports from their token states: ``[B, N, width] -> [B, D]``."""

    def encode(self, words: Tensor, token_mask: Tensor) -> Tensor:
        """Embed word embeddings, which need not come from the vocabulary: ``[B, N, width] -> [B, D]``."""


@runtime_checkable
class FreezableTextEncoder(TextEncoder, Protocol):
    """Text encoder with a part that may never learn; what this part gives for a text can then be computed once."""

    @property
    def frozen(self) -> bool:
        """Whether the part never learns."""

    def frozen_state(self) -> tuple[str, Mapping[str, Tensor]]:
        """Architecture, as text, and weights by name of the part: with a text they decide ``pooled``."""

    def pooled(self, token_ids: Tensor, token_mask: Tensor) -> Tensor:
        """Compute what the part gives for whole texts: ``[B, N] -> [B, width]``."""

    def know(self, known: "KnownTexts") -> None:
        """Take ``pooled`` of whole texts from a table from now on."""


@runtime_checkable
class WithWordTable(Protocol):
    """Report encoder whose embedding of words can be taken hold of, so that explanations reach single words."""

    @property
    def word_table(self) -> nn.Module:
        """The embedding, called once in a pass over reports, and for nothing else."""


@runtime_checkable
class Layered(Protocol):
    """Encoder or language model that says its layers, so that those near the input can learn more slowly."""

    def layer_prefixes(self) -> Sequence[Sequence[str]]:
        """What the names of the weights of each layer begin with, from the input on; other names are of the last."""


@runtime_checkable
class PublishedEncoder(Protocol):
    """Waveform encoder whose weights others have published under names of their own."""

    def published_names(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Weights of the published file under the names of this encoder.

        Raises:
            ConfigError: If they are not of this encoder.
        """
