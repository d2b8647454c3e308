"""Cells of the user's own labels: one column a class, or one column of codes."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ecgmm.data.sources.known_values import shape
from ecgmm.data.sources.labels.label_set import OwnLabels
from ecgmm.data.sources.labels.literals import parse_list
from ecgmm.data.sources.own_columns import identifiers, texts
from ecgmm.data.sources.own_tables import OwnTable, read_own_table
from ecgmm.errors import DataError, printable

IDS = ("record", "record_name", "study_id", "ecg_id", "path")
"""Names of the column that says which record a row is of, in the order in which they are looked for."""
_ANSWERS = {"true": "1", "false": "0"}
_BETWEEN = re.compile(r"[;|,\s]+")
_FLOAT_OF_CODE = re.compile(r"^([0-9]+)\.0+$")
_LONGEST_NAME = 200


class Cells(NamedTuple):
    """Labels of the rows of a table.

    Attributes:
        ids: What each row says of its record, String ``[n]``.
        lines: Line of each row in the file.
        values: One float32 column per class that is kept, null where a cell says nothing.
        classes: All classes that the table has, those that are not kept included.
        notes: See ``LabelSet``.
    """

    ids: pl.Series
    lines: pl.Series
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
    id_column = _id_column(table, own.id)
    values, notes = _columns(table, id_column, own) if own.column is None else _codes(table, own.column, own)
    classes = tuple(values.columns)
    _check_names(path, classes)
    kept = list(own.keep or classes)
    check_there(path, "labels.keep", kept, classes, "classes")
    return Cells(identifiers(table, id_column), table.lines, values.select(kept), classes, notes)


def check_there(path: Path, setting: str, names: Sequence[str], there: Sequence[str], what: str) -> None:
    """Check that a table has what a setting names.

    Raises:
        DataError: If not; lists what there is.
    """
    missing = [name for name in names if name not in there]
    if missing:
        raise DataError(
            f"{printable(path)} has no {printable(', '.join(missing), 120)}, which {setting} names; its {what} are"
            f" {printable(', '.join(there), 200)}"
        )


def _id_column(table: OwnTable, chosen: str | None) -> str:
    columns = table.frame.columns
    if chosen is not None:
        check_there(table.path, "labels.id", [chosen], columns, "columns")
        return chosen
    written = {name.lower(): name for name in reversed(columns)}
    found = [written[name] for name in IDS if name in written]
    if not found:
        raise DataError(
            f"{printable(table.path)} has no column {', '.join(IDS)}; name the one that says which record a row is of"
            f" with labels.id=..., of {printable(', '.join(columns), 200)}"
        )
    return found[0]


def _check_names(path: Path, classes: Sequence[str]) -> None:
    if not classes:
        raise DataError(f"{printable(path)} names no class; give it one column a class, or a column of codes")
    for name in classes:
        if not (name.isprintable() and len(name) <= _LONGEST_NAME) or name == "record":
            raise DataError(f"{printable(path)} names a class {printable(name, 60)!r}; give it another name")


def _columns(table: OwnTable, id_column: str, own: OwnLabels) -> tuple[pl.DataFrame, dict[str, int]]:
    names = list(own.classes or [name for name in table.frame.columns if name != id_column])
    check_there(table.path, "labels.classes", names, table.frame.columns, "columns")
    return pl.DataFrame([_certainties(table, name) for name in names]), {}


def _certainties(table: OwnTable, name: str) -> pl.Series:
    written = texts(table, name)
    plain = written.str.to_lowercase().replace(_ANSWERS).str.replace(",", ".", literal=True)
    numbers = plain.cast(pl.Float32, strict=False)
    wrong = (written.is_not_null() & ~numbers.is_between(0, 1).fill_null(value=False)).arg_true()
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{printable(table.path)} line {table.lines[row]}: column {printable(name, 60)} holds {shape(written[row])}"
            " (9 is a digit, x a letter), which is no label; write 0, 1, a number between or nothing, and where the"
            " table has other columns name those of labels with labels.classes=[...], or codes with labels.column"
        )
    return numbers


def _codes(table: OwnTable, column: str, own: OwnLabels) -> tuple[pl.DataFrame, dict[str, int]]:
    check_there(table.path, "labels.column", [column], table.frame.columns, "columns")
    cells = texts(table, column)
    codes = {text: _split(text) for text in cells.drop_nulls().unique()}
    there = sorted({code for found in codes.values() for code in found})
    classes_of = {code: [code] for code in there} if own.class_map is None else read_class_map(own.class_map)
    classes = list(own.classes or dict.fromkeys(name for names in classes_of.values() for name in names))
    unknown = [code for code in there if not set(classes_of.get(code, ())) & set(classes)]
    if there and len(unknown) == len(there):
        raise DataError(
            f"{printable(table.path)}: none of the {len(there)} codes of column {printable(column, 60)} belongs to a"
            f" class; they are such as {shape(there[0])} (9 is a digit, x a letter): see labels.class_map and"
            " labels.classes"
        )
    rows: dict[str | None, list[float | None]] = {None: [None] * len(classes)}
    for text, found in codes.items():
        named = {name for code in found for name in classes_of.get(code, ())}
        rows[text] = [float(name in named) for name in classes]
    values = pl.DataFrame([rows[text] for text in cells], schema=dict.fromkeys(classes, pl.Float32), orient="row")
    return values, {"codes that belong to no class": len(unknown)}


def _split(text: str) -> list[str]:
    """Codes of a cell: a list as Python or JSON write it, or words with ``;``, ``|``, a comma or a blank between."""
    listed = parse_list(text)
    words = _BETWEEN.split(text.strip("[] ")) if listed is None else listed
    return [code for word in words if (code := _code(word))]


def _code(text: str) -> str:
    """A code without what lists and spreadsheets put around it: ``'AF'`` is AF and ``164889003.0`` is 164889003."""
    return _FLOAT_OF_CODE.sub(r"\1", text.strip("'\" "))


def read_class_map(path: Path) -> dict[str, list[str]]:
    """Classes of each code, from a table with the columns ``code`` and ``class``.

    Raises:
        DataError: If a column is not there or a cell is empty.
    """
    table = read_own_table(path)
    check_there(path, "a class map", ["code", "class"], table.frame.columns, "columns")
    mapped: dict[str, list[str]] = {}
    for line, code, name in zip(table.lines, table.frame["code"], table.frame["class"], strict=True):
        if code is None or name is None:
            raise DataError(f"{printable(path)} line {line}: code or class is empty; fill both or remove the row")
        mapped.setdefault(_code(code), []).append(name)
    return mapped
