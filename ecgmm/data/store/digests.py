"""Digests of what a store holds: of plain data that carry their own, and of a table's content however it is packed."""

import hashlib
import json
from typing import Any

import numpy as np
import polars as pl

_SEAL = "sha256"


def plain_digest(content: dict[str, Any]) -> str:
    """sha256 of plain data in hex, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seal(content: dict[str, Any]) -> dict[str, Any]:
    """Plain data with their own digest as ``sha256``; an older one is replaced."""
    bare = {name: value for name, value in content.items() if name != _SEAL}
    return {**bare, _SEAL: plain_digest(bare)}


def is_sealed(content: dict[str, Any]) -> bool:
    """Whether plain data are those that ``seal`` gave."""
    return _SEAL in content and seal(content)[_SEAL] == content[_SEAL]


def table_digest(table: pl.DataFrame) -> str:
    """sha256 of a table's names, types and values in hex: the same for every version and packing of its file."""
    digest = hashlib.sha256()
    for column in table:
        _add(digest, column)
    return digest.hexdigest()


def _add(digest: Any, column: pl.Series) -> None:
    digest.update(f"{column.name}:{column.dtype}:{len(column)}\n".encode())
    digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
    if column.dtype == pl.List:
        digest.update(column.list.len().fill_null(0).to_numpy().astype("<i8").tobytes())
        _add(digest, column.filter(column.list.len() > 0).explode().alias(""))
    elif column.dtype == pl.String:
        digest.update(column.str.len_bytes().fill_null(0).to_numpy().astype("<i8").tobytes())
        digest.update("".join(column.fill_null("").to_list()).encode())
    else:
        values = column.to_physical().fill_null(0) if column.dtype != pl.Boolean else column.fill_null(value=False)
        digest.update(values.to_numpy().tobytes())
