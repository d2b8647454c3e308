"""HTML pages from templates that stand beside the code that fills them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


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
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment
