"""Reports put together from the token ids of their statements, block by block."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.text.coded import CodedReports
from ecgmm.text.statements import priority_of
from ecgmm.types import PADDING_ID

Ids = Sequence[int]
_BLOCK = 4096  # reports put together at a time: what that takes stays in the cache


class ReportTable(NamedTuple):
    """Token ids of reports.

    Attributes:
        ids: int32 ``[R, N]``, padded right with ``PADDING_ID`` to the longest report (N >= 1).
        lengths: int32 ``[R]``, number of real tokens; it alone tells padding from tokens.
    """

    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]


def assemble(
    reports: CodedReports,
    pieces: Sequence[Ids],
    max_tokens: int,
    *,
    separator: Ids,
    prefix: Ids = (),
    suffix: Ids = (),
) -> ReportTable:
    """Token ids of each report: prefix, statements with the separator between them, suffix.

    A report longer than ``max_tokens`` keeps its statements by ``priority_of`` (diagnostic first, technical last), each
    whole while it fits; the first that does not fit is cut and is the last. What is kept stays in the report's order.

    Args:
        reports: Statements of each report.
        pieces: Token ids of each distinct statement.
        max_tokens: Largest number of tokens, with prefix and suffix.
        separator: Ids between two statements.
        prefix: Ids before a report that has statements.
        suffix: Ids after a report that has statements.

    Returns:
        The padded table; a report without statements has length 0.
    """
    counts, ends = reports.counts, np.cumsum(reports.counts)
    flat = _Flat([*pieces, separator, prefix, suffix])
    total = np.concatenate([[0], np.cumsum(flat.sizes[reports.codes])])
    around = (counts - 1) * len(separator) + len(prefix) + len(suffix)
    lengths = np.where(counts > 0, total[ends] - total[ends - counts] + around, 0)
    width = max(int(np.minimum(lengths, max_tokens).max(initial=1)), 1)
    ids = np.full((len(counts), width), PADDING_ID, dtype=np.int32)
    for start in range(0, len(counts), _BLOCK):
        rows = slice(start, start + _BLOCK)
        first, last = ends[rows][0] - counts[rows][0], ends[rows][-1]
        sequence, report_of_piece = _sequence(reports.codes[first:last], counts[rows], len(pieces))
        whole = lengths[rows] <= max_tokens
        places = _places(lengths[rows] * whole, width)
        ids[rows].reshape(-1)[places] = flat.gather(sequence[whole[report_of_piece]])
    for row in np.flatnonzero(lengths > max_tokens).tolist():
        codes = reports.codes[ends[row] - counts[row] : ends[row]].tolist()
        room = max_tokens - len(prefix) - len(suffix)
        tokens = [*prefix, *_truncated(codes, reports.distinct, pieces, room, separator), *suffix]
        ids[row, : len(tokens)] = tokens
        lengths[row] = len(tokens)
    return ReportTable(ids, lengths.astype(np.int32))


def _places(lengths: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Places of the tokens of rows of the given lengths in a flat table of the given width."""
    start = np.arange(len(lengths)) * width - (np.cumsum(lengths) - lengths)
    places: NDArray[np.int64] = np.arange(lengths.sum()) + np.repeat(start, lengths)
    return places


def _sequence(
    codes: NDArray[np.uint32], counts: NDArray[np.int64], between: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the pieces that reports are made of, and the report of each.

    A report of k statements is the 2k + 1 pieces: before s1 between s2 ... sk after.
    """
    before, after = between + 1, between + 2
    n_pieces = np.where(counts > 0, 2 * counts + 1, 0)
    first = np.cumsum(n_pieces) - n_pieces
    sequence = np.full(n_pieces.sum(), between, dtype=np.int64)
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    sequence[np.repeat(first, counts) + 2 * rank + 1] = codes
    sequence[first[counts > 0]] = before
    sequence[(first + n_pieces - 1)[counts > 0]] = after
    return sequence, np.repeat(np.arange(len(counts)), n_pieces)


class _Flat:
    """Tokens of all pieces one after the other, with the start and size of each."""

    def __init__(self, pieces: Sequence[Ids]) -> None:
        self.sizes = np.array([len(piece) for piece in pieces], dtype=np.int64)
        self._tokens = np.array([token for piece in pieces for token in piece], dtype=np.int32)
        self._starts = np.cumsum(self.sizes) - self.sizes

    def gather(self, sequence: NDArray[np.int64]) -> NDArray[np.int32]:
        """Tokens of a sequence of pieces, one after the other."""
        sizes = self.sizes[sequence]
        offset = self._starts[sequence] - (np.cumsum(sizes) - sizes)
        tokens: NDArray[np.int32] = self._tokens[np.arange(sizes.sum()) + np.repeat(offset, sizes)]
        return tokens


def _truncated(
    codes: Sequence[int], distinct: Sequence[str], pieces: Sequence[Ids], room: int, separator: Ids
) -> list[int]:
    """At most ``room`` tokens of a report that has more, the most telling statements first, in the report's order."""
    kept: dict[int, Ids] = {}
    for place in sorted(range(len(codes)), key=lambda place: (priority_of(distinct[codes[place]]), place)):
        room -= len(separator) if kept else 0
        if room <= 0:
            break
        kept[place] = pieces[codes[place]][:room]
        room -= len(kept[place])
    in_order = [kept[place] for place in sorted(kept)]
    return [token for number, piece in enumerate(in_order) for token in (*(separator if number else ()), *piece)]
