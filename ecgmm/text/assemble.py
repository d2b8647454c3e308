"""Reports put together from the token ids of their statements, in one gather."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgmm.text.statements import priority_of
from ecgmm.types import PADDING_ID

Ids = Sequence[int]


class ReportTable(NamedTuple):
    """Token ids of reports.

    Attributes:
        ids: int32 ``[R, N]``, padded right with ``PADDING_ID`` to the longest report (N >= 1).
        lengths: int32 ``[R]``, number of real tokens; it alone tells padding from tokens.
    """

    ids: NDArray[np.int32]
    lengths: NDArray[np.int32]


def assemble(
    reports: Sequence[Sequence[str]],
    pieces: Mapping[str, Ids],
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
    numbers = {statement: number for number, statement in enumerate(pieces)}
    piece_ids, starts, sizes = _flat([*pieces.values(), separator, prefix, suffix])
    between, before, after = len(pieces), len(pieces) + 1, len(pieces) + 2

    counts = np.array([len(report) for report in reports], dtype=np.int64)
    stated = np.array([numbers[statement] for report in reports for statement in report], dtype=np.int64)
    # A report of k statements is the 2k + 1 pieces: before s1 between s2 ... sk after.
    n_pieces = np.where(counts > 0, 2 * counts + 1, 0)
    first = np.cumsum(n_pieces) - n_pieces
    sequence = np.full(n_pieces.sum(), between, dtype=np.int64)
    rank = np.arange(len(stated)) - np.repeat(np.cumsum(counts) - counts, counts)
    sequence[np.repeat(first, counts) + 2 * rank + 1] = stated
    sequence[first[counts > 0]] = before
    sequence[(first + n_pieces - 1)[counts > 0]] = after

    report_of_piece = np.repeat(np.arange(len(reports)), n_pieces)
    lengths = np.bincount(report_of_piece, weights=sizes[sequence], minlength=len(reports)).astype(np.int64)
    too_long = lengths > max_tokens
    width = max(int(np.minimum(lengths, max_tokens).max(initial=1)), 1)
    ids = np.full((len(reports), width), PADDING_ID, dtype=np.int32)
    fits = ~too_long[report_of_piece]
    ids[(np.arange(width) < lengths[:, None]) & ~too_long[:, None]] = _gather(piece_ids, starts, sizes, sequence[fits])
    lengths = np.minimum(lengths, max_tokens)
    for row in np.flatnonzero(too_long).tolist():
        room = max_tokens - len(prefix) - len(suffix)
        tokens = [*prefix, *_truncated(reports[row], pieces, room, separator), *suffix]
        ids[row, : len(tokens)] = tokens
        lengths[row] = len(tokens)
    return ReportTable(ids, lengths.astype(np.int32))


def _flat(pieces: Sequence[Ids]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """All pieces one after the other, with the start and size of each."""
    sizes = np.array([len(piece) for piece in pieces], dtype=np.int64)
    flat = np.array([token for piece in pieces for token in piece], dtype=np.int32)
    return flat, np.cumsum(sizes) - sizes, sizes


def _gather(
    flat: NDArray[np.int32], starts: NDArray[np.int64], sizes: NDArray[np.int64], sequence: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Tokens of a sequence of pieces, one after the other."""
    lengths = sizes[sequence]
    offset = starts[sequence] - (np.cumsum(lengths) - lengths)
    tokens: NDArray[np.int32] = flat[np.arange(lengths.sum()) + np.repeat(offset, lengths)]
    return tokens


def _truncated(statements: Sequence[str], pieces: Mapping[str, Ids], room: int, separator: Ids) -> list[int]:
    """At most ``room`` tokens of a report that has more, the most telling statements first, in the report's order."""
    kept: dict[int, Ids] = {}
    for place in sorted(range(len(statements)), key=lambda place: (priority_of(statements[place]), place)):
        room -= len(separator) if kept else 0
        if room <= 0:
            break
        kept[place] = pieces[statements[place]][:room]
        room -= len(kept[place])
    in_order = [kept[place] for place in sorted(kept)]
    return [token for number, piece in enumerate(in_order) for token in (*(separator if number else ()), *piece)]
