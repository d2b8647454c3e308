"""Comments of ``conf/``: the sentence of each file and of each key, for ``--help`` and for the reference."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # no stubs

_PACKAGE = "@package "
_HIDDEN = ("defaults", "hydra")


@dataclass(frozen=True)
class Sentences:
    """Comments of one file.

    Attributes:
        usage: Lines of the first comment that are commands to type.
        text: The rest of the first comment: what the file is.
        keys: The comment of each key that has one, by its dotted key in the file.
        given: Every dotted key of the file with its value as it is written; groups too, with None.
    """

    usage: tuple[str, ...]
    text: str
    keys: dict[str, str]
    given: dict[str, str | None]


def sentences_of(path: Path) -> Sentences:
    """Read the comments of a file.

    The first comment is the file's, up to an empty line or the first key. A key's comment stands right above it or
    behind its value.

    Args:
        path: A file of ``conf/``.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    n_first = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    first = [line.removeprefix("#").strip() for line in lines[:n_first] if _PACKAGE not in line]
    usage = tuple(line for line in first if line.startswith("python -m "))
    keys, given = dict[str, str](), dict[str, str | None]()
    for key, name, node in _entries(yaml.compose(text, yaml.SafeLoader), ""):
        line = name.start_mark.line
        value = given[key] = None if _is_group(node) else _written(text, node)
        if comment := _above(lines, line, n_first) or _behind(lines[line], value):
            keys[key] = comment
    return Sentences(usage, " ".join(line for line in first if line not in usage), keys, given)


def _entries(node: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    """Dotted key, node of the name and node of the value of everything below a node."""
    for name, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if at or name.value not in _HIDDEN:
            key = f"{at}.{name.value}" if at else name.value
            yield key, name, value
            yield from _entries(value, key)


def _is_group(node: Any) -> bool:
    return isinstance(node, yaml.MappingNode) and bool(node.value)


def _written(text: str, node: Any) -> str:
    """A value as it stands in the file, on one line."""
    is_block = isinstance(node, yaml.ScalarNode) and node.style in (">", "|")
    return " ".join((node.value if is_block else text[node.start_mark.index : node.end_mark.index]).split())


def _above(lines: list[str], line: int, n_first: int) -> str:
    start = line
    while start > n_first and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return " ".join(text.strip().removeprefix("#").strip() for text in lines[start:line])


def _behind(line: str, value: str | None) -> str:
    """A comment behind the value."""
    return line.partition("  # ")[2] if value is None or "# " not in value else ""
