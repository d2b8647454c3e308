"""``config.yaml`` of a run: read as plain values, which nothing is looked up or built for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # no stubs

from ecgmm.errors import DataError, printable
from ecgmm.files import inside
from ecgmm.runs.facts import CONFIG
from ecgmm.runs.reading import CURE, check_plain, read_file

_MOST_BYTES = 1 << 20
_DEEPEST = 32


def read_config(directory: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """``config.yaml``: the resolved configuration, plain values that nothing is looked up for.

    Raises:
        DataError: If it is no YAML mapping of plain values, or is not what the run wrote.
    """
    path = inside(directory, CONFIG)
    content = read_file(directory, CONFIG, _MOST_BYTES, facts.get("files"))
    try:
        _check_events(content)
        found = yaml.load(content, _Loader)  # noqa: S506 (a subclass of the safe loader)
    except (yaml.YAMLError, ValueError, RecursionError):  # UnicodeDecodeError and bad numbers are ValueErrors
        raise DataError(f"{printable(path)} is damaged: it holds no configuration; {CURE}") from None
    if not isinstance(found, dict):
        raise DataError(f"{printable(path)} is damaged: it holds no configuration; {CURE}")
    check_plain(found, path)
    task = found.get("task")
    if isinstance(task, dict) and "policy" in task:
        task["selection"] = task.pop("policy")  # its name in version 0.1
    return found


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no stubs
    """Takes dates for text, as Hydra does, whose files these are."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (yaml's own name)
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _check_events(content: bytes) -> None:
    """Refuse what multiplies when it is read: aliases, and nesting without end."""
    depth = 0
    for event in yaml.parse(content, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            raise ValueError("no run writes aliases or so deep a nesting")
