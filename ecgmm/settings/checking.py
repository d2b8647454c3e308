"""Check of settings against the tables; the first that does not fit is named with key, value and range."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecgmm.errors import ConfigError, printable
from ecgmm.settings.kinds import Built, Group, Named, Spec, Value
from ecgmm.settings.lookup import known_keys
from ecgmm.settings.targets import TARGETS
from ecgmm.settings.unknown import unknown_key

_MOST_SHOWN = 12


def check_node(node: Any, at: str, names: Collection[str] = TARGETS) -> None:
    """Refuse a tree of settings that no object can be built from; for settings that come from others.

    Args:
        node: A mapping with ``_target_``, plain Python.
        at: Where it stands, for the message, such as ``model.json: method``.
        names: What may be built.

    Raises:
        ConfigError: If a name or a key is unknown, a key is missing, or a value is of another kind or out of range;
            also where only the store could say it, and where it is an interpolation.
    """
    Walk(filled=True).read(Built(tuple(names)), node, at)


@dataclass
class Walk:
    """One pass through settings.

    Attributes:
        filled: Whether the store was opened, so that what it says is there; interpolations are refused then.
        whole: Whether each key has to be there; settings saved by an earlier version lack those that came later.
        entry: Command whose keys may have been meant by an unknown one.
        changes: Values that stand in another form than they were given in, by key.
    """

    filled: bool
    whole: bool = True
    entry: str = "train"
    changes: dict[str, Any] = field(default_factory=dict)

    def read(self, spec: Spec, value: Any, at: str) -> Any:
        """Check a value with all its parts, and return it in its own form.

        Raises:
            ConfigError: If it is not what the table says.
        """
        if value is None and (spec.null or (isinstance(spec, Value) and spec.from_data and not self.filled)):
            return None
        if isinstance(spec, Value):
            return self._value(spec, value, at)
        if not isinstance(value, Mapping):
            raise _unfit(at, value, "a group of settings" + " or null" * spec.null)
        if isinstance(spec, Named):
            return {name: self.read(spec.each, part, _below(at, name)) for name, part in value.items()}
        if isinstance(spec, Group):
            return self._fields(spec.fields, value, at, whole=self.whole)
        return self._built(spec, value, at)

    def _value(self, spec: Value, value: Any, at: str) -> Any:
        converted = spec.converted(value)
        if not spec.fits(converted):
            raise _unfit(at, value, spec.words + ", or null" * spec.null)
        if self.filled and isinstance(converted, str) and "${" in converted:
            raise _unfit(at, value, f"{spec.words} as it stands, without ${{...}}")
        if converted != value:
            self.changes[at] = converted
        return converted

    def _built(self, spec: Built, value: Mapping[str, Any], at: str) -> dict[str, Any]:
        name = value.get("_target_")
        if not isinstance(name, str) or name not in spec.names:
            raise _unfit(_below(at, "_target_"), name, f"one of {', '.join(sorted(spec.names))}")
        target = TARGETS[name]
        given = {key: part for key, part in value.items() if key != "_target_"}
        if target.partial and given.pop("_partial_", None) is not True:
            raise _unfit(_below(at, "_partial_"), value.get("_partial_"), "true")
        read = {"_target_": name, **self._fields(target.fields, given, at, whole=True)}
        for relation in target.relations:
            refuse(relation, read, at)
        return read

    def _fields(self, fields: Mapping[str, Spec], value: Mapping[str, Any], at: str, *, whole: bool) -> dict[str, Any]:
        for key in value:
            if key not in fields:
                raise ConfigError(unknown_key(printable(key), list(fields), at, known_keys(self.entry)))
        missing = [key for key, spec in fields.items() if key not in value and not spec.optional]
        if missing and whole:
            raise ConfigError(f"{_below(at, missing[0])} is missing; leave it as conf/ has it, or give it a value")
        return {key: self.read(spec, value[key], _below(at, key)) for key, spec in fields.items() if key in value}


def refuse(relation: Callable[[Mapping[str, Any]], tuple[str, str] | None], values: Mapping[str, Any], at: str) -> None:
    """Check a relation between settings.

    Raises:
        ConfigError: Naming the key and what it must be.
    """
    misfit = relation(values)
    if misfit is not None:
        key, words = misfit
        value: Any = values
        for part in key.split("."):
            value = value[part]
        raise _unfit(_below(at, key), value, words)


def _below(at: str, key: object) -> str:
    return f"{at}.{printable(key)}" if at else printable(key)


def _unfit(at: str, value: Any, words: str) -> ConfigError:
    return ConfigError(f"{at} is {shown(value)}; it must be {words}")


def shown(value: Any) -> str:
    """Write a value as settings do, long ones shortened."""
    if isinstance(value, Mapping):
        return "a group of settings"
    if isinstance(value, list):
        flat = len(value) <= _MOST_SHOWN and not any(isinstance(part, list | Mapping) for part in value)
        return f"[{', '.join(map(shown, value))}]" if flat else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return printable(repr(value))
