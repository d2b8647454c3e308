"""Mutations of one record's header, each by the name that the table of ``benchmarks.fuzz`` shows.

Some give another valid form of the same record, as another gain field or Windows line ends do.
"""

from collections.abc import Callable
from pathlib import Path

from numpy.random import Generator

from benchmarks.fuzzing.file_mutations import (
    Mutation,
    absent,
    bytes_of,
    flip_bit,
    insert_bytes,
    not_a_file,
    other_bytes,
    pick,
    remove_bytes,
    truncate,
)
from benchmarks.fuzzing.values import (
    BREAKS,
    COMMENTS,
    FORMATS,
    GAINS,
    HEADER_NUMBERS,
    HEADER_TIMES,
    NAMES,
    UNITS,
)
from ecgmm.leads import LEADS


def _in_text(change: Callable[[str, Generator], str]) -> Mutation:
    def mutate(base: Path, random: Generator) -> None:
        header = base.with_suffix(".hea")
        header.write_bytes(change(header.read_bytes().decode(), random).encode())

    return mutate


def _in_lines(change: Callable[[list[str], Generator], None]) -> Mutation:
    def mutate(text: str, random: Generator) -> str:
        lines = text.split("\n")
        change(lines, random)
        return "\n".join(lines)

    return _in_text(mutate)


def _in_field(first: int, last: int, field: int | None, values: tuple[str, ...]) -> Mutation:
    """Put a value into a field (any of them where None) of one line, or of all lines, from ``first`` to ``last``."""

    def change(lines: list[str], random: Generator) -> None:
        value, chosen = pick(values, random), int(random.integers(first, last + 1))
        whole = range(first, last + 1) if random.random() < 0.5 else [chosen]
        place = int(random.integers(len(lines[first].split(" ")))) if field is None else field
        for number in whole:
            fields = lines[number].split(" ")
            fields[place] = value
            lines[number] = " ".join(fields)

    return _in_lines(change)


def _gain_part(part: str, values: tuple[str, ...]) -> Mutation:
    """Replace a part of the written gain field ``200.0(0)/mV``."""
    return _in_field(1, 12, 2, tuple("200.0(0)/mV".replace(part, value) for value in values))


def _start(lines: list[str], random: Generator) -> None:
    lines[0] = f"{' '.join(lines[0].split(' ')[:4])} {pick(HEADER_TIMES, random)}"


def _rate(lines: list[str], random: Generator) -> None:
    rates = (
        "500/100",
        "500/100(5)",
        "500/100(-5)",
        "500/x",
        "500.0",
        "500.",
        "5e2",
        "500.000000001",
        "500/",
        "250",
        "0500",
    )
    fields = lines[0].split(" ")
    lines[0] = " ".join([*fields[:2], pick(rates, random), *fields[3:]])


def _copy_line(lines: list[str], random: Generator) -> None:
    lines.insert(int(random.integers(14)), lines[int(random.integers(14))])


def _remove_line(lines: list[str], random: Generator) -> None:
    del lines[int(random.integers(14))]


def _swap_lines(lines: list[str], random: Generator) -> None:
    one, other = random.choice(14, 2, replace=False)
    lines[one], lines[other] = lines[other], lines[one]


def _join_lines(lines: list[str], random: Generator) -> None:
    number = int(random.integers(13))
    lines[number : number + 2] = [pick((" ", "", "\t"), random).join(lines[number : number + 2])]


def _break_line(lines: list[str], random: Generator) -> None:
    number = int(random.integers(13))
    places = [place for place, letter in enumerate(lines[number]) if letter == " "]
    place = pick(places, random)
    lines[number] = f"{lines[number][:place]}{pick(BREAKS, random)}\n{lines[number][place + 1 :]}"


def _extra_field(lines: list[str], random: Generator) -> None:
    number = int(random.integers(13))
    fields = lines[number].split(" ")
    fields.insert(int(random.integers(len(fields) + 1)), pick(HEADER_NUMBERS, random))
    lines[number] = " ".join(fields)


def _missing_field(lines: list[str], random: Generator) -> None:
    number = int(random.integers(13))
    fields = lines[number].split(" ")
    del fields[int(random.integers(len(fields)))]
    lines[number] = " ".join(fields)


def _comment(lines: list[str], random: Generator) -> None:
    lines.insert(int(random.integers(15)), pick(COMMENTS, random))


def _line_ends(text: str, random: Generator) -> str:
    every, ending = random.random() < 0.5, pick(BREAKS, random)
    if every:
        return text.replace("\n", ending)
    lines = text.split("\n")
    place = int(random.integers(1, len(lines)))
    return f"{chr(10).join(lines[:place])}{ending}{chr(10).join(lines[place:])}"


def _blanks(text: str, random: Generator) -> str:
    places = [place for place, letter in enumerate(text) if letter == " "]
    place = pick(places, random)
    return (
        f"{text[:place]}{pick(('  ', chr(9), chr(160), chr(0), '', chr(0x3000), chr(11)), random)}{text[place + 1 :]}"
    )


def _order_of_leads(lines: list[str], random: Generator) -> None:
    """Name the channels in another order: the same samples, of other leads."""
    for line, lead in zip(range(1, 13), random.permutation(LEADS), strict=True):
        lines[line] = f"{lines[line].rpartition(' ')[0]} {pick((lead, lead.upper(), lead.lower()), random)}"


def _checksum(lines: list[str], random: Generator) -> None:
    number = int(random.integers(1, 13))
    fields = lines[number].split(" ")
    total = int(fields[6])
    fields[6] = pick(
        (str(total % 65536), str(total + 65536), f"+{total}", str(total + 1), f"{total}.0", "", "0"), random
    )
    lines[number] = " ".join(fields)


def _other_encoding(base: Path, random: Generator) -> None:
    header = base.with_suffix(".hea")
    encoding = pick(("utf-16", "utf-16-le", "utf-8-sig", "utf-7", "cp500", "latin-1"), random)
    header.write_bytes(f"{header.read_text()}# é\n".encode(encoding))


def _padded(base: Path, random: Generator) -> None:
    header = base.with_suffix(".hea")
    size = int(pick((1000, 4000, 70_000, 5_000_000), random))
    header.write_bytes(header.read_bytes() + pick((b"#", b"\n", b" ", b"\n#", b"x", b"\0"), random) * size)


def _twice(base: Path, random: Generator) -> None:
    """Two others, one after the other."""
    for name in random.choice([name for name in HEADERS if name != "two_others"], 2):
        if base.with_suffix(".hea").is_file() and base.with_suffix(".hea").read_bytes().isascii():
            _try(HEADERS[str(name)], base, random)


def _try(mutation: Mutation, base: Path, random: Generator) -> None:
    try:
        mutation(base, random)
    except (IndexError, ValueError):
        base.with_suffix(".hea").write_bytes(random.bytes(200))  # the first left no line for the second


HEADERS: dict[str, Mutation] = {
    "flip_bit": bytes_of(".hea", flip_bit),
    "other_bytes": bytes_of(".hea", other_bytes),
    "insert_bytes": bytes_of(".hea", insert_bytes),
    "remove_bytes": bytes_of(".hea", remove_bytes),
    "truncate": bytes_of(".hea", truncate),
    "copy_line": _in_lines(_copy_line),
    "remove_line": _in_lines(_remove_line),
    "swap_lines": _in_lines(_swap_lines),
    "join_lines": _in_lines(_join_lines),
    "break_line": _in_lines(_break_line),
    "extra_field": _in_lines(_extra_field),
    "missing_field": _in_lines(_missing_field),
    "number_of_record": _in_field(0, 0, None, HEADER_NUMBERS),
    "number_of_lead": _in_field(1, 12, None, HEADER_NUMBERS),
    "rate": _in_lines(_rate),
    "start": _in_lines(_start),
    "gain": _in_field(1, 12, 2, GAINS),
    "gain_number": _gain_part("200.0", HEADER_NUMBERS),
    "baseline": _gain_part("(0)", tuple(f"({number})" for number in HEADER_NUMBERS)),
    "unit": _gain_part("mV", UNITS),
    "format": _in_field(1, 12, 1, FORMATS),
    "checksum": _in_lines(_checksum),
    "lead_name": _in_field(12, 12, 8, NAMES),
    "lead_order": _in_lines(_order_of_leads),
    "comment": _in_lines(_comment),
    "line_ends": _in_text(_line_ends),
    "blanks": _in_text(_blanks),
    "encoding": _other_encoding,
    "padding": _padded,
    "absent": absent(".hea"),
    "not_a_file": not_a_file(".hea"),
    "two_others": _twice,
}
