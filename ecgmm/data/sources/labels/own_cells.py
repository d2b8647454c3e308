"""Cells of the user's own labels: one column a class, or one column of codes."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ecgmm.data.sources.known_values import is_filled, shape
from ecgmm.data.sources.labels.label_set import OwnLabels
from ecgmm.data.sources.labels.literals import parse_list
from ecgmm.data.sources.own_tables import read_own_table
from ecgmm.errors import DataError, printable

IDS = ("record", "record_name", "study_id", "ecg_id", "path")
"""Names of the column that says which record a row is of, in the order in which they are looked for."""
_ANSWERS = {"true": "1", "false": "0"}
_BETWEEN = re.compile(r"[;|,\s]+")
_HEADER_LINES = 1
_LONGEST_NAME = 200


class Cells(NamedTuple):
    """Labels of the rows of a table.

    Attributes:
        ids: What each row says of its record, String ``[n]``.
        names_path: Whether that is the path of its recording.
        values: One float32 column per class, null where a cell says nothing.
        classes: All classes that the table has, those that are not kept included.
        notes: See ``LabelSet``.
    """

    ids: pl.Series
    names_path: bool
    values: pl.DataFrame
    classes: tuple[str, ...]
    notes: dict[str, int]


def read_cells(path: Path, own: OwnLabels) -> Cells:
    """Read a table of labels.

    Args:
        path: The table.
        own: How it is understood.

    Raises:
        DataError: If a column is not there, or a cell is no label; says which and in which line.
    """
    table = read_own_table(path)
    id_column = _id_column(path, table.columns, own.id)
    notes: dict[str, int] = {}
    if own.column is None:
        values = _columns(path, table, id_column, own)
    else:
        values = _codes(path, table, own.column, own, notes)
    classes = tuple(values.columns)
    _check_names(path, classes)
    kept = list(own.keep or classes)
    _check_there(path, "labels.keep", kept, classes, "classes")
    ids = table[id_column].str.strip_chars()
    names_path = own.id is None and id_column.strip().lower() == "path"
    return Cells(ids, names_path, values.select(kept), classes, notes)


def line_of(row: int) -> int:
    """Line of a row, where no cell holds a line break."""
    return row + 1 + _HEADER_LINES


def _id_column(path: Path, columns: Sequence[str], chosen: str | None) -> str:
    if chosen is not None:
        _check_there(path, "labels.id", [chosen], columns, "columns")
        return chosen
    written = {name.strip().lower(): name for name in reversed(columns)}
    found = [written[name] for name in IDS if name in written]
    if not found:
        raise DataError(
            f"{printable(path)} has no column {', '.join(IDS)}; name the one that says which record a row is of with"
            f" labels.id=..., of {printable(', '.join(columns), 200)}"
        )
    return found[0]


def _check_there(path: Path, setting: str, names: Sequence[str], there: Sequence[str], what: str) -> None:
    missing = [name for name in names if name not in there]
    if missing:
        raise DataError(
            f"{printable(path)} has no {printable(', '.join(missing), 120)}, which {setting} names; its {what} are"
            f" {printable(', '.join(there), 200)}"
        )


def _check_names(path: Path, classes: Sequence[str]) -> None:
    if not classes:
        raise DataError(f"{printable(path)} names no class; give it one column a class, or a column of codes")
    for name in classes:
        if not (name.strip() and name.isprintable() and len(name) <= _LONGEST_NAME) or name == "record":
            raise DataError(f"{printable(path)} names a class {printable(name, 60)!r}; give it another name")


def _columns(path: Path, table: pl.DataFrame, id_column: str, own: OwnLabels) -> pl.DataFrame:
    names = list(own.classes or [name for name in table.columns if name != id_column])
    _check_there(path, "labels.classes", names, table.columns, "columns")
    texts = table.select(pl.col(names).str.strip_chars().str.replace(",", ".", literal=True))
    numbers = texts.select(pl.col(names).str.to_lowercase().replace(_ANSWERS).cast(pl.Float32, strict=False))
    for name in names:
        bad = is_filled(texts[name]) & ~numbers[name].is_between(0, 1).fill_null(False)
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise DataError(
                f"{printable(path)}, line {line_of(row)}: column {printable(name, 60)} holds {shape(texts[name][row])}"
                " (9 is a digit, x a letter), no label; write 0, 1, a number between or nothing, and where the"
                " table has other columns name those of labels with labels.classes=[...], or codes with labels.column"
            )
    return numbers


def _codes(path: Path, table: pl.DataFrame, column: str, own: OwnLabels, notes: dict[str, int]) -> pl.DataFrame:
    _check_there(path, "labels.column", [column], table.columns, "columns")
    cells = table[column]
    codes = {text: _split(text) for text in cells.filter(is_filled(cells)).unique()}
    mapped = None if own.class_map is None else read_class_map(own.class_map)
    there = sorted({code for found in codes.values() for code in found})
    found_classes = there if mapped is None else [name for names in mapped.values() for name in names]
    classes = list(own.classes or dict.fromkeys(found_classes))
    classes_of = {code: [code] for code in there} if mapped is None else mapped
    unknown = [code for code in there if not set(classes_of.get(code, ())) & set(classes)]
    if there and len(unknown) == len(there):
        raise DataError(
            f"{printable(path)}: none of the {len(there)} codes of column {printable(column, 60)} belongs to a class;"
            f" they are such as {shape(there[0])} (9 is a digit, x a letter): see labels.class_map and labels.classes"
        )
    notes["codes that belong to no class"] = len(unknown)
    rows = {
        text: [float(any(name in classes_of.get(code, ()) for code in found)) for name in classes]
        for text, found in codes.items()
    }
    nothing = [None] * len(classes)
    values = [rows.get(text, nothing) if text is not None else nothing for text in cells]
    return pl.DataFrame(values, schema=dict.fromkeys(classes, pl.Float32), orient="row")


def _split(text: str) -> list[str]:
    """Codes of a cell: a list as Python or JSON write it, or words with ``;``, ``|``, a comma or a blank between."""
    listed = parse_list(text)
    words = _BETWEEN.split(text.strip().strip("[]")) if listed is None else listed
    return [code for word in words if (code := _code(word))]


def _code(text: str) -> str:
    """A code without what spreadsheets and lists put around it: ``'AF'`` is AF and ``164889003.0`` is 164889003."""
    return re.sub(r"^(\d+)\.0+$", r"\1", text.strip().strip("'\""))


def read_class_map(path: Path) -> dict[str, list[str]]:
    """Classes of each code, from a CSV with the columns ``code`` and ``class``.

    Raises:
        DataError: If a column is not there or a row is not filled.
    """
    table = read_own_table(path)
    _check_there(path, "a class map", ["code", "class"], table.columns, "columns")
    mapped: dict[str, list[str]] = {}
    for row, (code, name) in enumerate(table.select("code", "class").iter_rows()):
        if not (code and name and code.strip() and name.strip()):
            raise DataError(f"{printable(path)}, line {line_of(row)}: code or class is empty; fill both or remove it")
        mapped.setdefault(_code(code), []).append(name.strip())
    return mapped
