"""Files of a run, which may come from others: regular, bounded, reached through no link, of plain values, checked."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic takes that of typing from Python 3.12 on

from ecgmm.errors import DataError, printable
from ecgmm.files import inside, read_bounded

CURE = "put the file of the run back, or train the run again with overwrite=true"
"""For a file of a run that is missing or damaged: the run can be made again, and nothing is thrown away unasked."""

_MOST_DEEP = 32
_LONGEST_TEXT = 20_000
_LARGEST_WHOLE = 2**63


class Written(TypedDict):
    """What a run remembers of a file that it wrote."""

    bytes: int
    sha256: str


def written(folder: Path, names: list[str]) -> dict[str, Written]:
    """Size and digest of files of a folder, by their path in it; what is not there is left out."""
    found: dict[str, Written] = {}
    for name in names:
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[name] = {"bytes": path.stat().st_size, "sha256": digest}
    return found


def read_file(folder: Path, name: str, most_bytes: int, known: Mapping[str, Written] | None = None) -> bytes:
    """Content of a file at or below a folder.

    Args:
        folder: A run directory or its ``model`` folder.
        name: Path in it, with ``/`` between its parts.
        most_bytes: Its largest size.
        known: What was remembered of the folder's files; other content than that is refused.

    Raises:
        DataError: If it is missing, a link, no regular file, too large, cannot be read, or is not what was written.
    """
    path = inside(folder, *name.split("/"))
    try:
        content = read_bounded(path, most_bytes)
    except OSError as error:
        raise refused(path, error) from None
    if known is not None and name in known and hashlib.sha256(content).hexdigest() != known[name]["sha256"]:
        raise changed(path)
    return content


def refused(path: Path, error: OSError) -> DataError:
    """What to tell the user of a file of a run that the system does not give."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return DataError(f"{printable(path)} is missing; {CURE}")
    return DataError(f"{printable(path)} cannot be read ({error.strerror}); see to its rights and its disk")


def changed(path: Path) -> DataError:
    """What to tell the user of a file of a run that has not the digest of what the run wrote."""
    return DataError(f"{printable(path)} is damaged: it is not what the run wrote; {CURE}")


def json_of(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON object in a file's content, of plain values.

    Raises:
        DataError: If there is none.
    """
    try:
        found = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise DataError(f"{printable(path)} is damaged: it holds no JSON; {CURE}") from None
    if not isinstance(found, dict):
        raise DataError(f"{printable(path)} is damaged: it holds no JSON object; {CURE}")
    check_plain(found, path)
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and infinities are no JSON


def check_plain(value: Any, path: Path, depth: int = 0) -> None:
    """Make sure that a value is text, a finite number, true, false, null, or lists and mappings of these.

    Text has no control character, which would reach a terminal, and no ``${``, which some libraries would look up.

    Raises:
        DataError: If it is not.
    """
    if isinstance(value, Mapping) and depth < _MOST_DEEP:
        for name, part in value.items():
            check_plain(None if isinstance(name, int) else str(name), path)
            check_plain(part, path, depth + 1)
    elif isinstance(value, list) and depth < _MOST_DEEP:
        for part in value:
            check_plain(part, path, depth + 1)
    elif isinstance(value, str):
        if len(value) > _LONGEST_TEXT or "${" in value or printable(value, _LONGEST_TEXT) != value:
            raise DataError(f"{printable(path)} holds text that no run writes ({printable(value, 60)!r}); {CURE}")
    elif not (
        value is None
        or isinstance(value, bool)
        or (isinstance(value, int) and abs(value) < _LARGEST_WHOLE)
        or (isinstance(value, float) and math.isfinite(value))
    ):
        raise DataError(f"{printable(path)} holds a value that no run writes (a {type(value).__name__}); {CURE}")


def check_form(value: Any, form: TypeAdapter[Any], path: Path) -> None:
    """Make sure that a value has the fields that are read from it, each of its type and range.

    Raises:
        DataError: Naming the file, the field, its value and what it must be.
    """
    try:
        form.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        what = first["msg"].removeprefix("Value error, ")
        what = re.sub(r"^Input should", "it should", what[:1] + what[1:])
        given = "is missing" if first["type"] == "missing" else f"is {printable(first['input'], 60)!r}: {what}"
        raise DataError(f"{printable(path)}: {printable(place)} {given}; {CURE}") from None
