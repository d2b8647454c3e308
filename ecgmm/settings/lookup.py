"""Look-up of keys in the tables of settings."""

from collections.abc import Iterator
from typing import Literal

from ecgmm.configuration import CONF_DIR
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.kinds import Built, Group, Named, Spec, Value
from ecgmm.settings.targets import TARGETS

_FOLDERS_OF_HYDRA = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")


def specs_at(spec: Spec, key: str) -> list[Spec]:
    """Specifications of a dotted key below a part; several if they depend on what is built there."""
    if not key:
        return [spec]
    head, _, rest = key.partition(".")
    if isinstance(spec, Named):
        below: list[Spec] = [spec.each]
    elif isinstance(spec, Group):
        below = [spec.fields[head]] if head in spec.fields else []
    elif isinstance(spec, Built):
        below = [TARGETS[name].fields[head] for name in spec.names if head in TARGETS[name].fields]
    else:
        below = []
    return [deeper for one in below for deeper in specs_at(one, rest)]


def specs_of(key: str) -> list[Spec]:
    """Specifications of a key in all commands."""
    return [spec for entry in ENTRIES.values() for spec in specs_at(entry, key)]


def may_be_left_out(key: str) -> bool:
    """Whether a key that the settings at hand lack may be given all the same."""
    specs = specs_of(key)
    return bool(specs) and all(isinstance(spec, Value) and spec.optional for spec in specs)


def form_of(key: str) -> Literal["path", "text", "group"] | None:
    """Whether the value of a key is a path, a text, or the choice of a group; None where it is read as a value."""
    if key in _FOLDERS_OF_HYDRA:
        return "path"
    if (CONF_DIR / key).is_dir():
        return "group"
    forms = {spec.form for spec in specs_of(key) if isinstance(spec, Value)}
    return "path" if "path" in forms else "text" if "text" in forms else None


def takes_list(key: str) -> bool:
    """Whether the value of a key is a list."""
    return any(isinstance(spec, Value) and spec.form == "list" for spec in specs_of(key))


def known_keys(*entries: str) -> list[str]:
    """Every dotted key that these commands may have, in the order of the tables; of all commands without a name."""
    return list(dict.fromkeys(key for entry in entries or ENTRIES for key in _below(ENTRIES[entry], "")))


def _below(spec: Spec, at: str) -> Iterator[str]:
    if at:
        yield at
    if isinstance(spec, Group):
        tables = [spec.fields]
    else:
        tables = [TARGETS[name].fields for name in spec.names] if isinstance(spec, Built) else []
    for fields in tables:
        for name, part in fields.items():
            yield from _below(part, f"{at}.{name}" if at else name)
