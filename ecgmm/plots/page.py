"""HTML pages from templates that stand beside the code that fills them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ecgmm.errors import printable


def templates(folder: Path, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """Templates of a folder: everything is escaped, and a name that is not there is an error.

    Args:
        folder: Holds the templates.
        filters: Functions that a template may apply, by name.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment


def _readable(value: object) -> object:
    """Text for a template without control characters other than line ends; they carry no meaning in HTML."""
    if not isinstance(value, str):
        return value
    text = "\n".join(printable(line, 10 * len(line)) for line in str(value).split("\n"))
    return Markup(text) if isinstance(value, Markup) else text  # noqa: S704 (it was markup before)
