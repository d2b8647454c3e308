"""``config.yaml`` of a run: read as plain values, which nothing is looked up or built for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml  # type: ignore[import-untyped]  # no stubs
from pydantic import Field

from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside
from ecgmm.runs.reading import CURE, Schema, Written, check_plain, read_file
from ecgmm.settings import check_saved
from ecgmm.settings.renamed import with_present_names

CONFIG = "config.yaml"

_MOST_BYTES = 1 << 20
_DEEPEST = 32


class TaskSettings(Schema):
    """Selection of the records that take part in the task; runs of earlier versions take those with one modality."""

    selection: str
    modalities: str = "any"


class LabelSettings(Schema):
    """Priority of the classes: of several, a record counts as the first."""

    priority: list[str]


class TrainerSettings(Schema):
    """Device and precision of the run."""

    accelerator: str
    precision: str


class Resampling(Schema):
    """Resampling behind intervals."""

    n_resamples: Annotated[int, Field(ge=1, le=10_000_000)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class EvaluationSettings(Schema):
    """The settings of a run with which it is evaluated again; those with a default came later than the others."""

    task: TaskSettings
    labels: LabelSettings
    trainer: TrainerSettings
    evaluation: Resampling
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    prefetch: Annotated[int, Field(ge=0, le=1_000)] = 0
    quality: dict[str, Any] | None = None


def read_config(directory: Path, files: Mapping[str, Written]) -> dict[str, Any]:
    """``config.yaml``: the resolved configuration, plain values that nothing is looked up for.

    Args:
        directory: The run directory.
        files: What ``run.json`` remembers of the files.

    Raises:
        DataError: If it is no YAML mapping of plain values, or is not what the run wrote.
    """
    path = inside(directory, CONFIG)
    content = read_file(directory, CONFIG, _MOST_BYTES, files)
    try:
        _check_events(content)
        settings = yaml.load(content, _Loader)  # noqa: S506 (a subclass of the safe loader)
    except (yaml.YAMLError, ValueError, RecursionError):  # UnicodeDecodeError and bad numbers are ValueErrors
        raise DataError(f"{printable(path)} is damaged: it holds no configuration; {CURE}") from None
    if not isinstance(settings, dict):
        raise DataError(f"{printable(path)} is damaged: it holds no configuration; {CURE}")
    check_plain(settings, path)
    task = settings.get("task")
    if isinstance(task, dict) and "policy" in task:
        task["selection"] = task.pop("policy")  # its name in version 0.1
    return {str(name): with_present_names(part) for name, part in settings.items()}


def read_evaluation_settings(settings: Mapping[str, Any], path: Path) -> EvaluationSettings:
    """The part of a configuration that evaluation needs.

    Args:
        settings: As ``read_config`` returns them.
        path: The file, for the message.

    Raises:
        DataError: If they do not fit.
    """
    chosen = EvaluationSettings.read(settings, path)
    try:
        check_saved(settings, CONFIG)
    except ConfigError as error:
        raise DataError(f"{printable(path.parent)}: {error}; {CURE}") from None
    return chosen


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no stubs
    """Takes dates for text, as Hydra does, whose files these are."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (yaml's own name)
        first: [(tag, pattern) for tag, pattern in patterns if tag != "tag:yaml.org,2002:timestamp"]
        for first, patterns in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _check_events(content: bytes) -> None:
    """Refuse what multiplies when it is read: aliases, and nesting without end."""
    depth = 0
    for event in yaml.parse(content, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            raise ValueError("no run writes aliases or so deep a nesting")
