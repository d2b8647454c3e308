"""Kinds of settings: values, mappings of settings, and mappings that name the object to build."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

Form = Literal["plain", "text", "path", "list"]
_LONGEST_PATH = 4096


@dataclass(frozen=True)
class Value:
    """Specification of one value.

    Attributes:
        words: What it must be, as it ends the sentence "... is 3; it must be ...".
        fits: Whether a value is that.
        form: ``text`` and ``path`` are taken as they are written, also where they look like a number; ``~`` at the head
            of a path is the home folder; a ``list`` takes one value as a list of one.
        null: Whether null is a value too.
        optional: Whether the key may be left out.
        from_data: Whether only the store knows the value; it is null until the store was opened.
    """

    words: str
    fits: Callable[[Any], bool]
    form: Form = "plain"
    null: bool = False
    optional: bool = False
    from_data: bool = False

    def converted(self, value: Any) -> Any:
        """Bring a value into its own form: a number into a path, one value into a list of one."""
        if self.form == "list" and isinstance(value, str | int | float):
            return [value]
        if self.form in ("text", "path") and isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        return home_expanded(value) if self.form == "path" and isinstance(value, str) else value


@dataclass(frozen=True)
class Group:
    """Mapping with these keys and no others."""

    fields: Mapping[str, "Spec"]
    null: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Named:
    """Mapping from any names to parts of one kind."""

    each: "Spec"
    null: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Built:
    """Mapping whose ``_target_`` is one of these names; each has keys of its own (``TARGETS``)."""

    names: tuple[str, ...]
    null: bool = False
    optional: bool = False


Spec = Value | Group | Named | Built
Relation = Callable[[Mapping[str, Any]], "tuple[str, str] | None"]
"""Looks at values that fit one by one; returns a key and what it must be by the others, or None."""


@dataclass(frozen=True)
class Target:
    """Keys of what a ``_target_`` builds, and how they depend on one another."""

    fields: Mapping[str, Spec]
    relations: Sequence[Relation] = field(default=())
    partial: bool = False


def home_expanded(path: str) -> str:
    """Replace ``~`` at the head of a path by the user's home; the path stays as it is if there is none."""
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:
        return path


def nullable(spec: Value) -> Value:
    """Allow null too."""
    return replace(spec, null=True)


def optional(spec: Value) -> Value:
    """Allow the key to be left out."""
    return replace(spec, optional=True)


def from_data(spec: Value) -> Value:
    """Mark a value that only the store knows: null until it is opened."""
    return replace(spec, from_data=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(least: int, most: int) -> Value:
    """Whole number; both bounds are included."""
    return Value(
        f"a whole number from {least} to {most}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
    )


def number(least: float, most: float, *, above: bool = False, below: bool = False) -> Value:
    """Finite number; ``above`` and ``below`` exclude the bounds."""
    words = f"from {least:g} to {most:g}"
    if above or below:
        words = f"in {'(' if above else '['}{least:g}, {most:g}{')' if below else ']'}"
    return Value(
        f"a number {words}",
        lambda value: (
            _is_number(value)
            and (least < value if above else least <= value)  # NaN is neither
            and (value < most if below else value <= most)
        ),
    )


def flag() -> Value:
    """True or false; 1, yes and on are neither."""
    return Value("true or false", lambda value: isinstance(value, bool))


def choice(*values: str | float) -> Value:
    """One of these values."""
    return Value(
        f"one of {', '.join(map(str, values))}" if len(values) > 2 else " or ".join(map(str, values)),
        lambda value: any(type(value) is type(one) and value == one for one in values),
    )


def path() -> Value:
    """Path of a file or folder."""

    def fits(value: Any) -> bool:
        return isinstance(value, str) and 0 < len(value) <= _LONGEST_PATH and "\0" not in value and value[0] != "~"

    return Value("a path, with ~ at its head only for a home folder that is there", fits, "path")


def folder_name() -> Value:
    """Name of a folder below another one."""

    def fits(value: Any) -> bool:
        if not (isinstance(value, str) and value.strip() and len(value) <= _LONGEST_PATH and value.isprintable()):
            return False
        return not Path(value).is_absolute() and ".." not in Path(value).parts and Path(value).parts != ()

    return Value("the name of a folder, without .. in it", fits, "text")


def text() -> Value:
    """Any text that is not empty."""
    return Value("a text that is not empty", lambda value: isinstance(value, str) and value.strip() != "", "text")


def many(item: Value, words: str, least: int = 1, most: int = 1000, *, distinct: bool = False) -> Value:
    """List of so many items; ``words`` follows "a list of"."""

    def fits(value: Any) -> bool:
        return (
            isinstance(value, list)
            and least <= len(value) <= most
            and all(item.fits(one) for one in value)
            and not (distinct and any(one in value[:place] for place, one in enumerate(value)))
        )

    return Value(f"a list of {words}", fits, "list")
