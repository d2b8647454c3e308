"""Exact list of the label sets that there are: one module of this room per name in ``ecgmm.settings``."""

from importlib import import_module

from ecgmm.data.sources.labels.definition import Definition
from ecgmm.errors import ConfigError
from ecgmm.settings.label_sets import ALL_LABEL_SETS


def definition_of(name: str) -> Definition:
    """Definition of a label set: ``LABELS`` of the module with its name.

    Raises:
        ConfigError: If there is none.
    """
    if name not in ALL_LABEL_SETS:
        raise ConfigError(f"labels.name is {name!r}; choose one of {', '.join(ALL_LABEL_SETS)}")
    definition: Definition = import_module(f"ecgmm.data.sources.labels.{name}").LABELS
    return definition
