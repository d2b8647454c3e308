"""From lists of ICD-10-CM codes to classes: cardiac groups by priority, and all frequent codes with their ancestors."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.sources.labels.literals import parse_list

CARDIAC = {
    "ACS": ("I200", "I21", "I22", "I23", "I24"),
    "AFIB": ("I48",),
    "ARRHYTHMIA": ("I47", "I49"),
    "CONDUCTION": ("I44", "I45", "Z950"),
    "FAILURE": ("I50", "I42"),
    "NONE": ("",),
}
"""Starts of the codes of each class of ``icd_cardiac``, in the order of priority; NONE takes what is left."""
SHORTEST, LONGEST = 3, 5
NO_MAP = "NODX"
"""Word of the mapping from ICD-9 to ICD-10 for a code that has no counterpart."""
_CODE = r"^[A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}$"  # ICD-10-CM without its point


def parse_lists(texts: pl.Series) -> pl.DataFrame:
    """Read lists of codes as Python, JSON or numpy print them; nothing in them is ever run.

    Args:
        texts: Distinct texts such as ``['I4891', 'I10']``.

    Returns:
        One row per text: ``text`` and ``codes`` (upper case, without point), null where the text is no list.
    """
    parsed = [_parse(text) for text in texts]
    return pl.DataFrame({"text": texts, "codes": pl.Series(parsed, dtype=pl.List(pl.String))})


def _parse(text: str | None) -> list[str] | None:
    codes = parse_list(text or "")
    return None if codes is None else [code.strip().upper().replace(".", "") for code in codes]


def is_icd10(code: pl.Expr) -> pl.Expr:
    """Whether a code has the form of an ICD-10-CM code."""
    return code.str.contains(_CODE)


def with_ancestors(codes: pl.DataFrame) -> pl.DataFrame:
    """Cut codes to five characters without trailing X, and add every shorter start of at least three characters.

    Source: Strodthoff et al., "Prospects for AI-enhanced ECG as a unified screening tool", EHJ Digital Health (2024).

    Args:
        codes: Columns ``row`` and ``code``.

    Returns:
        The distinct pairs of ``row`` and ``code``.
    """
    cut = codes.with_columns(pl.col("code").str.slice(0, LONGEST).str.strip_chars_end("X"))
    lengths = range(SHORTEST, LONGEST + 1)
    starts = [cut.filter(pl.col("code").str.len_chars() >= n).with_columns(pl.col("code").str.head(n)) for n in lengths]
    return pl.concat(starts).unique()


def frequent_codes(codes: pl.DataFrame, min_records: int) -> list[str]:
    """Codes that at least ``min_records`` rows have, sorted; ``codes`` holds distinct pairs of row and code."""
    counts = codes.group_by("code").len().filter(pl.col("len") >= min_records)
    return sorted(counts["code"].to_list())


def indicators(codes: pl.DataFrame, classes: Sequence[str], n_rows: int) -> NDArray[np.float32]:
    """1 where a row has a code, else 0: float32 ``[K, N]``; codes that are not among ``classes`` are left out."""
    numbers = pl.DataFrame({"code": pl.Series(classes, dtype=pl.String), "k": np.arange(len(classes))})
    kept = codes.join(numbers, on="code")
    values = np.zeros((len(classes), n_rows), dtype=np.float32)
    values[kept["k"].to_numpy(), kept["row"].to_numpy()] = 1
    return values


def cardiac_groups(codes: pl.DataFrame) -> pl.DataFrame:
    """The first class of ``CARDIAC`` that any code of a row belongs to: columns ``row`` and ``code`` (the class)."""
    names, distinct = list(CARDIAC), codes["code"].unique()
    first = [next(k for k, starts in enumerate(CARDIAC.values()) if code.startswith(starts)) for code in distinct]
    ranked = codes.join(pl.DataFrame({"code": distinct, "k": pl.Series(first, dtype=pl.Int64)}), on="code")
    highest = ranked.group_by("row").agg(pl.col("k").min())
    return highest.select("row", pl.Series("code", [names[k] for k in highest["k"]], dtype=pl.String))
