"""Check of the structure of a CSV: as many fields in every row as in the first, quotes where RFC 4180 lets them stand.

Readers are lenient where files are damaged: a row cut short ends in empty fields, a stray quote swallows the rows up to
the next one. Either would lose reports without a word. A row without end or of fields without end is none, either.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ecgmm.compiled import compiled
from ecgmm.files import open_regular

MOST_ROW_BYTES = 1 << 20
"""Largest row; those of machine_measurements.csv take some 230, and a megabyte of notes is a book."""
MOST_COLUMNS = 1000
"""The widest published table has 33."""
_CHUNK = 1 << 22
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_START, _PLAIN, _QUOTED, _CLOSED, _RETURNED = range(5)
"""States of the parser before a byte: at the start of a field, in a bare one, in or just behind quotes, behind a CR."""
_QUOTE, _COMMA, _LF, _CR = b'",\n\r'


def damaged_line(path: Path) -> int:
    """Find the first line at which a file is no CSV.

    Args:
        path: The file; read in pieces.

    Returns:
        The line, counted from 1; 0 where the whole file is sound.

    Raises:
        DataError: If it is no regular file.
        OSError: As ``open``.
    """
    memory = np.array([_START, 0, 0, 0, 1, 1], dtype=np.int64)
    with open_regular(path) as file:
        content = file.read(_CHUNK).removeprefix(_BYTE_ORDER_MARK)
        while content:
            line = _damaged_line(np.frombuffer(content, dtype=np.uint8), memory)
            if line:
                return int(line)
            content = file.read(_CHUNK)
    return int(_damaged_line(np.frombuffer(b"\n", dtype=np.uint8), memory) or (memory[0] == _QUOTED) * memory[5])


@compiled
def _damaged_line(content: Any, memory: Any) -> Any:
    """Go on from ``memory``: state, bytes of the row, its fields, those of row 1, line, line of the row."""
    state, n_bytes, n_fields, n_expected, line, row_line = memory
    for byte in content:
        if n_bytes == MOST_ROW_BYTES or n_fields == MOST_COLUMNS:
            return row_line
        if byte == _LF:
            line += 1
        if state == _QUOTED:
            if byte == _QUOTE:
                state = _CLOSED
        elif byte == _COMMA and state != _RETURNED:
            n_fields += 1
            state = _START
        elif byte == _LF:
            n_fields += 1
            if n_bytes > 0:  # blank lines are none of its rows
                if n_expected == 0:
                    n_expected = n_fields
                if n_fields != n_expected:
                    return row_line
            state, n_bytes, n_fields, row_line = _START, 0, 0, line
            continue
        elif byte == _CR and state != _RETURNED:
            state = _RETURNED
            continue
        elif byte == _QUOTE and state in (_START, _CLOSED):
            state = _QUOTED
        elif byte == _QUOTE or state in (_CLOSED, _RETURNED):
            return row_line
        else:
            state = _PLAIN
        n_bytes += 1
    memory[:] = state, n_bytes, n_fields, n_expected, line, row_line
    return 0
