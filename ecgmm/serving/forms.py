"""What a visitor sends: files of one record, or the choice of an example, and a report."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ecgmm.errors import ConfigError, printable

MOST_BYTES = 32 << 20
"""Of a whole form; ten minutes of twelve leads at 500 Hz in 16 bits are 7 MB."""
MOST_FILES = 4
LONGEST_REPORT = 20_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Asked(NamedTuple):
    """What is to be answered.

    Attributes:
        record: A record of the folder or of an example; None for a report alone.
        report: The report's text; None where it is empty.
        class_name: The class to explain; None for the most probable.
    """

    record: Path | None
    report: str | None
    class_name: str | None


def read_form(
    files: Sequence[tuple[str, bytes]],
    fields: Mapping[str, str],
    folder: Path,
    records: Mapping[str, Path],
    class_names: Sequence[str],
) -> Asked:
    """Put the files into a folder, and read the fields.

    Args:
        files: Name and content of each.
        fields: ``example``, ``report`` and ``class``; those that are missing count as empty.
        folder: An empty folder, of which nothing is kept.
        records: Record of each example by its name.
        class_names: Classes that can be explained.

    Raises:
        ConfigError: If it is not a record, an example or a report, or a record and an example at once.
    """
    example, report, name = (fields.get(key, "").strip() for key in ("example", "report", "class"))
    if len(report) > LONGEST_REPORT:
        raise ConfigError(f"the report has {len(report):,} characters; give at most {LONGEST_REPORT:,}")
    if name and name not in class_names:
        raise ConfigError(f"there is no class {printable(name, 40)!r}; choose one of {', '.join(class_names)}")
    if example and example not in records:
        raise ConfigError(f"there is no example {printable(example, 40)!r}; choose one of the list")
    if example and files:
        raise ConfigError("a record and an example are chosen; take one of the two away")
    record = records[example] if example else _saved(files, folder)
    if record is None and not report:
        raise ConfigError("nothing is given; choose a record or an example, or write a report")
    return Asked(record, report or None, name or None)


def _saved(files: Sequence[tuple[str, bytes]], folder: Path) -> Path | None:
    """Write the files of a record; the one that describes it is returned."""
    names = [name for name, _ in files]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"a file is named {printable(name, 60)!r}; letters, digits, dots, dashes and underscores will do"
            )
    if len(set(names)) < len(names):
        raise ConfigError("two files have one name; give the files of one record")
    headers = [name for name in names if name.endswith(".hea")]
    if not names:
        return None
    if len(names) > 1 and len(headers) != 1:
        raise ConfigError(
            f"{len(names)} files are given and {len(headers)} of them end with .hea; give one record: its header with"
            " its signal files, or one file of another format"
        )
    for name, content in files:
        (folder / name).write_bytes(content)
    return folder / (headers or names)[0]
