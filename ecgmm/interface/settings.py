"""Settings of commands as keyword arguments."""

from collections.abc import Mapping

from omegaconf import DictConfig

from ecgmm.settings import checked, compose
from ecgmm.settings.resolvers import register_resolvers
from ecgmm.settings.values import written


def overrides_of(settings: Mapping[str, object], below: str = "") -> list[str]:
    """Keyword arguments as they would stand on the command line.

    Args:
        settings: Values by key, with ``__`` for the dots of a key: ``method__lambda_cons=0.5``.
        below: Key that all of them are part of, as in ``data``.
    """
    prefix = f"{below}." if below else ""
    return [f"{prefix}{key.replace('__', '.')}={_text(value)}" for key, value in settings.items()]


def _text(value: object) -> str:
    return value if isinstance(value, str) and value.isidentifier() else written(value)  # the name of a choice


def settings_of(command: str, overrides: list[str]) -> DictConfig:
    """Composed and checked settings of a command.

    Raises:
        ConfigError: If a key or choice does not exist, or a value is out of its range.
    """
    register_resolvers()
    return checked(command, compose(command, overrides))
