"""PTB-XL's ``scp_statements.csv``: superclass and subclass of each SCP code, and the kinds of statement that it is."""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from ecgmm.data.sources.index_tables import read_table
from ecgmm.data.sources.known_values import is_filled
from ecgmm.data.sources.labels.scp_codes import CURE, DIAGNOSTIC_CLASS, KINDS, SUBCLASS
from ecgmm.errors import DataError, printable


def read_scp_statements(path: Path, classes: Collection[str], cure: str, *, kinds_too: bool = False) -> pl.DataFrame:
    """Read ``scp_statements.csv``.

    Its column of codes has no name, and programs that add a column of row numbers give that none either: it is the
    one that holds NORM, besides those of the diagnostic classes.

    Args:
        path: The file.
        classes: The superclasses, each of which some code must have.
        cure: What the user should do when the file is not there.
        kinds_too: Whether ``diagnostic_subclass`` is returned too, and bool ``diagnostic``, ``form`` and ``rhythm``,
            those of them that the file has.

    Returns:
        Columns ``code``, each once, and ``diagnostic_class``, null where the code belongs to none.

    Raises:
        DataError: If the table is missing or unreadable, or its codes or superclasses are not those of PTB-XL.
    """
    table = read_table(path, [DIAGNOSTIC_CLASS], cure)
    own = [name for name in table.columns if name not in (DIAGNOSTIC_CLASS, SUBCLASS)]
    holds_norm = [name for name in own if (table[name].str.strip_chars() == "NORM").any()]
    if len(holds_norm) != 1:
        raise DataError(f"{printable(path)} has no column of SCP codes, NORM among them; {CURE}")
    further = [name for name in (SUBCLASS, *KINDS) if kinds_too and name in table.columns]
    names = pl.col(DIAGNOSTIC_CLASS, *(name for name in further if name == SUBCLASS)).str.strip_chars()
    marks = pl.col([name for name in further if name in KINDS]).str.strip_chars()
    codes = table.select(
        pl.col(holds_norm[0]).str.strip_chars().alias("code"),
        pl.when(is_filled(names)).then(names),
        marks.cast(pl.Float64, strict=False).fill_null(0) == 1,
    ).drop_nulls("code")
    missing = sorted(set(classes) ^ set(codes[DIAGNOSTIC_CLASS].drop_nulls()))
    if missing:
        raise DataError(
            f"{printable(path)} must have the classes {', '.join(classes)} in column {DIAGNOSTIC_CLASS}, and no others"
            f" ({printable(', '.join(missing), 80)} is not in both); {CURE}"
        )
    if codes["code"].is_duplicated().any():
        raise DataError(f"{printable(path)} has a code in two rows; {CURE}")
    return codes
