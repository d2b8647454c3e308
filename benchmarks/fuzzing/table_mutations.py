"""Mutations of the two tables of MIMIC-IV-ECG, each by the name that the table of ``benchmarks.fuzz`` shows.

``CELLS`` change one row, written as a sound CSV; ``FILES`` change the bytes of a file, and may damage all of it.
"""

from collections.abc import Callable
from typing import Any

from numpy.random import Generator

from benchmarks.fuzzing.file_mutations import (
    flip_bit,
    insert_bytes,
    other_bytes,
    pick,
    remove_bytes,
    truncate,
)
from benchmarks.fuzzing.values import CELL_NUMBERS, CELL_TEXTS, CELL_TIMES, IDS, PATHS

Rows = list[dict[str, str]]
CellMutation = Callable[[Rows, int, Generator], None]
FileMutation = Callable[[bytearray, Generator], None]


def _set(columns: tuple[str, ...], values: tuple[Any, ...]) -> CellMutation:
    """Put one of the values, or of the functions of the old one, into one of the columns."""

    def mutate(rows: Rows, number: int, random: Generator) -> None:
        column, value = pick(columns, random), pick(values, random)
        rows[number][column] = value(rows[number][column]) if callable(value) else value

    return mutate


def _swap_cells(rows: Rows, number: int, random: Generator) -> None:
    one, other = random.choice(list(rows[number]), 2, replace=False)
    rows[number][one], rows[number][other] = rows[number][other], rows[number][one]


def _empty_row(rows: Rows, number: int, random: Generator) -> None:
    rows[number] = dict.fromkeys(rows[number], "")


def _copy_row(rows: Rows, number: int, random: Generator) -> None:
    rows.append(dict(rows[number]))


def _copy_row_changed(rows: Rows, number: int, random: Generator) -> None:
    """A second row of the same record that contradicts the first."""
    rows.append(dict(rows[number]))
    column = pick(list(rows[number]), random)
    rows[-1][column] = f"{rows[-1][column]}1"


CELLS: dict[str, tuple[str, CellMutation]] = {
    **{
        f"{short}.{name}": (table, mutation)
        for short, table in (("list", "record_list.csv"), ("measured", "machine_measurements.csv"))
        for name, mutation in (
            ("id", _set(("study_id", "subject_id"), IDS)),
            ("time", _set(("ecg_time",), CELL_TIMES)),
            ("swap_cells", _swap_cells),
            ("empty_row", _empty_row),
            ("copy_row", _copy_row),
            ("copy_row_changed", _copy_row_changed),
        )
    },
    "list.path": ("record_list.csv", _set(("path",), PATHS)),
    "measured.text": ("machine_measurements.csv", _set(("report_0", "report_1", "report_2"), CELL_TEXTS)),
    "measured.number": ("machine_measurements.csv", _set(("rr_interval", "p_axis"), CELL_NUMBERS)),
}


def _lines(change: Callable[[list[bytes], Generator], None]) -> FileMutation:
    def mutate(content: bytearray, random: Generator) -> None:
        lines = bytes(content).split(b"\n")
        change(lines, random)
        content[:] = b"\n".join(lines)

    return mutate


def _copy_line(lines: list[bytes], random: Generator) -> None:
    lines.insert(int(random.integers(1, len(lines))), pick(lines, random))


def _remove_line(lines: list[bytes], random: Generator) -> None:
    del lines[int(random.integers(len(lines)))]


def _join_lines(lines: list[bytes], random: Generator) -> None:
    number = int(random.integers(len(lines) - 1))
    lines[number : number + 2] = [pick((b"", b",", b" ", b"\r"), random).join(lines[number : number + 2])]


def _break_line(lines: list[bytes], random: Generator) -> None:
    number = int(random.integers(len(lines) - 1))
    place = int(random.integers(len(lines[number])))
    lines[number] = lines[number][:place] + pick((b"\n", b"\r\n", b"\r", b'"\n'), random) + lines[number][place:]


def _field_count(lines: list[bytes], random: Generator) -> None:
    number = int(random.integers(len(lines) - 1))
    fields = lines[number].split(b",")
    place = int(random.integers(len(fields)))
    fields[place : place + 1] = pick(([], [fields[place], b""], [b"", fields[place]], [fields[place]] * 2), random)
    lines[number] = b",".join(fields)


def _quotes(lines: list[bytes], random: Generator) -> None:
    """One or two stray quotes."""
    for _ in range(int(random.integers(1, 3))):
        number = int(random.integers(len(lines) - 1))
        places = [0, *(place + 1 for place, byte in enumerate(lines[number]) if byte == ord(","))]
        place = pick(places, random) + int(random.integers(2)) * int(random.integers(3))
        lines[number] = lines[number][:place] + b'"' + lines[number][place:]


def _header_line(lines: list[bytes], random: Generator) -> None:
    names = lines[0].split(b",")
    one, other = (int(place) for place in random.choice(len(names), 2, replace=False))
    names[one] = pick(
        (names[other], names[one].upper(), b"", b" " + names[one], b'"' + names[one] + b'"', b"x"), random
    )
    lines[0] = b",".join(names)


def _swap_columns(lines: list[bytes], random: Generator) -> None:
    """The same table with its columns in another order."""
    order = random.permutation(lines[0].count(b",") + 1)
    lines[:] = [b",".join(line.split(b",")[place] for place in order) if line else line for line in lines]


def _line_ends(content: bytearray, random: Generator) -> None:
    content[:] = content.replace(b"\n", pick((b"\r\n", b"\r", b"\n\n", b"\r\r\n", b"\x0b", b"\n\r"), random))


def _encoding(content: bytearray, random: Generator) -> None:
    text = content.decode().replace("Abnormal", "Müller")
    content[:] = text.encode(pick(("latin-1", "utf-16", "utf-8", "utf-8-sig", "cp037", "utf-32", "utf-16-be"), random))


def _padding(content: bytearray, random: Generator) -> None:
    content += pick((b"\n\n", b"\0" * 100, b"\x1a", b" ", b",,,,\n", b"\r\n\r\n", b"#", b'"', b'""'), random)


FILES: dict[str, FileMutation] = {
    "flip_bit": flip_bit,
    "other_bytes": other_bytes,
    "insert_bytes": insert_bytes,
    "remove_bytes": remove_bytes,
    "truncate": truncate,
    "copy_line": _lines(_copy_line),
    "remove_line": _lines(_remove_line),
    "join_lines": _lines(_join_lines),
    "break_line": _lines(_break_line),
    "field_count": _lines(_field_count),
    "quotes": _lines(_quotes),
    "header_line": _lines(_header_line),
    "swap_columns": _lines(_swap_columns),
    "line_ends": _line_ends,
    "encoding": _encoding,
    "padding": _padding,
}
