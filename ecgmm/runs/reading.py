"""Reading the files of a run: bounded, of plain values, and held against the schema of the file."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WrapValidator

from ecgmm.errors import DataError, printable
from ecgmm.files import file_sha256, inside, read_bounded

CURE = "put the file of the run back, or train the run again with overwrite=true"
"""For a file of a run that is missing or damaged: the run can be made again, and nothing is thrown away unasked."""

_MOST_DEEP = 32
_LONGEST_TEXT = 20_000
_LARGEST_WHOLE = 2**63


class Schema(BaseModel):
    """Base of what stands in a file of a run: strict types, never changed; fields of other versions are passed over."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def read(cls, value: Any, path: Path) -> Self:
        """Hold plain values against the schema.

        Args:
            value: As JSON or YAML gives them.
            path: The file, for the message.

        Raises:
            DataError: Naming the file, the first field that does not fit, its value and what it must be.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        what = re.sub(r"^Input should", "it should", first["msg"].removeprefix("Value error, "))
        given = "is missing" if first["type"] == "missing" else f"is {printable(first['input'], 60)!r}: {what}"
        raise DataError(f"{printable(path)}: {printable(place)} {given}; {CURE}")

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON: the fields that were given, in the order of the schema."""
        return self.model_dump(exclude_unset=True, by_alias=True)


def _all_different(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("no name may stand twice")
    return names


def _as_given(value: Any, check: Callable[[Any], Any]) -> Any:
    check(value)
    return value


AS_GIVEN = WrapValidator(_as_given)
"""Keeps a number in the form that it was given in: 100 Hz stay 100 and do not become 100.0."""
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[list[Name], AfterValidator(_all_different)]
Classes = Annotated[Names, Field(min_length=1, max_length=20_000)]
Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, AS_GIVEN]
Share = Annotated[float, Field(ge=0, le=1), AS_GIVEN]


class Written(Schema):
    """Size and digest of a file that a run wrote."""

    bytes: int
    sha256: str


def written(folder: Path, names: list[str]) -> dict[str, Written]:
    """Size and digest of files of a folder, by their path in it; what is not there is left out."""
    files = {name: folder / name for name in names}
    return {
        name: Written(bytes=path.stat().st_size, sha256=file_sha256(path))
        for name, path in files.items()
        if path.is_file()
    }


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
    if known is not None and name in known and hashlib.sha256(content).hexdigest() != known[name].sha256:
        raise changed(path)
    return content


def refused(path: Path, error: OSError) -> DataError:
    """Error for a file of a run that the system does not give."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return DataError(f"{printable(path)} is missing; {CURE}")
    return DataError(f"{printable(path)} cannot be read ({error.strerror}); see to its rights and its disk")


def changed(path: Path) -> DataError:
    """Error for a file of a run whose digest is not that of what the run wrote."""
    return DataError(f"{printable(path)} is damaged: it is not what the run wrote; {CURE}")


def json_of(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON object in a file's content, of plain values.

    Raises:
        DataError: If there is none.
    """
    try:
        parsed = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise DataError(f"{printable(path)} is damaged: it holds no JSON; {CURE}") from None
    if not isinstance(parsed, dict):
        raise DataError(f"{printable(path)} is damaged: it holds no JSON object; {CURE}")
    check_plain(parsed, path)
    return parsed


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
