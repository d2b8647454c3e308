"""Construction of objects from settings: ``{_target_: name, argument: value}`` becomes ``name(argument=value)``.

A run directory or a model may come from others, so a name is data: it is compared with an exact list, and what is not
on the list is never looked up. (An allowed prefix would not do: ``ecgmm.<module>.shutil.copy`` begins with ours.)
"""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from omegaconf import OmegaConf

from ecgmm.errors import ConfigError, printable
from ecgmm.settings.targets import TARGETS


def construct(settings: Any, **more: Any) -> Any:
    """Build the object that settings describe, with all its parts.

    Args:
        settings: A mapping with ``_target_``; with ``_partial_: true`` the result still waits for arguments. Lists and
            mappings in it, also without ``_target_``, become lists and dicts.
        more: Arguments beside or in place of those of the outermost mapping, taken as they are.

    Raises:
        ConfigError: If a name is not on the list or an argument is not one of its own.
    """
    plain = OmegaConf.to_container(settings, resolve=True) if OmegaConf.is_config(settings) else settings
    assert isinstance(plain, Mapping)
    return _built(plain, more)


def _built(value: Any, more: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        arguments = {name: _built(part, {}) for name, part in value.items()} | dict(more)
        return _called(arguments) if "_target_" in arguments else arguments
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_built(part, {}) for part in value]
    return value


def _called(arguments: dict[str, Any]) -> Any:
    target, waits = arguments.pop("_target_"), arguments.pop("_partial_", False)
    hidden = [name for name in arguments if not isinstance(name, str) or name.startswith("_")]
    if not isinstance(target, str) or target not in TARGETS or hidden:
        what = f"_target_ is {printable(target)!r}" if not hidden else f"{printable(hidden[0])!r} is no argument"
        raise ConfigError(f"{what}: only what ecgmm/settings lists is built, so that settings cannot run code")
    made = target_of(target)
    return partial(made, **arguments) if waits is True else made(**arguments)


def target_of(name: str) -> Any:
    """Import the class or function behind a name of the list."""
    assert name in TARGETS
    parts = name.split(".")
    n_modules = next(place for place, part in enumerate(parts) if part[0].isupper())
    target: Any = import_module(".".join(parts[:n_modules]))
    for part in parts[n_modules:]:
        target = getattr(target, part)
    return target
