"""Values of settings as text: ``5``, ``1e-4``, ``null``, ``[I,II]``, ``{a: 1}``, ``'quoted'``, ``${data.rate_hz}``.

The grammar is that of Hydra's command line (https://hydra.cc/docs/advanced/override_grammar/basic) without its
functions and sweeps, so that a setting means the same in a process that never imports Hydra.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgmm.errors import ConfigError, printable
from ecgmm.settings.kinds import home_expanded

_QUOTED = re.compile(r"""(?P<quote>['"])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""", re.DOTALL)
_PLAIN = re.compile(r"(?:\$\{[^}]+\}|\\[\\()\[\]{}:=, \t]|[\w/\-+.$%*@?|\\: \t])+")
_KEY = re.compile(r"(?:\\[\\()\[\]{}:=, \t]|[\w/\-+.$%*@?|\\ \t])+")
_ESCAPED = re.compile(r"\\([\\()\[\]{}:=, \t])")
_STRIPPED = re.compile(r"[ \t]*((?:\\[\\()\[\]{}:=, \t]|.)*?)[ \t]*", re.DOTALL)  # escaped blanks stay
_WHOLE = re.compile(r"[+-]?(0|[1-9](_?\d)*)")
_NUMBER = re.compile(
    r"[+-]?(((0|[1-9](_?\d)*)?\.\d(_?\d)*|(0|[1-9](_?\d)*)\.?)(e[+-]?\d(_?\d)*)?|inf|nan)", re.IGNORECASE | re.ASCII
)
_WORDS = {"null": None, "true": True, "false": False}


def read_value(text: str) -> Any:
    """The value that a text stands for; interpolations stay as they are.

    Args:
        text: What stands behind the ``=`` of a setting.

    Returns:
        A string, number, bool or None, or lists and dicts of such.

    Raises:
        ConfigError: If it is none, or several between commas.
    """
    if not text.strip(" \t"):
        return ""
    try:
        value, end = _value(text, 0)
    except ValueError:
        end = -1
    if end != len(text):
        raise ConfigError(f"cannot read the value {printable(text)!r}; put a text with special characters in quotes")
    return value


def text_value(text: str, *, is_path: bool) -> str | None:
    """The value of a path or a text, which is taken as it is written, though it may stand in quotes.

    Args:
        text: What stands behind the ``=`` of a setting.
        is_path: Whether ``~`` at its head is the home folder.

    Returns:
        None for an unquoted ``null``.
    """
    try:
        value = read_value(text)
    except ConfigError:
        value = text
    if value is None:
        return None
    own = value if isinstance(value, str) else text
    return home_expanded(own) if is_path else own


def written(value: object) -> str:
    """The text that ``read_value`` reads as this value; paths become texts.

    Args:
        value: A string, number, bool, None or path, or lists and mappings of such.
    """
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(written, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str | Path):
        # Backslashes count as escapes only where a quote follows them.
        escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + match[2].replace("'", r"\'"), str(value))
        return f"'{escaped}'"
    return repr(value)


def _value(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place of the text, and the place behind it and the blanks that follow."""
    at = _behind_blanks(text, at)
    if text.startswith("[", at):
        return _items(text, at + 1, "]", _value)
    if text.startswith("{", at):
        pairs, end = _items(text, at + 1, "}", _pair)
        return dict(pairs), end
    if quoted := _QUOTED.match(text, at):
        inner = re.sub(
            rf"(\\+)({quoted['quote']}|$)", lambda match: match[1][: len(match[1]) // 2] + match[2], quoted["text"]
        )
        return inner, _behind_blanks(text, quoted.end())
    return _plain(_PLAIN, text, at)


def _items(text: str, at: int, close: str, item: Any) -> tuple[list[Any], int]:
    items: list[Any] = []
    at = _behind_blanks(text, at)
    while not text.startswith(close, at):
        if items:
            at = _expected(",", text, at)
        one, at = item(text, at)
        items.append(one)
    return items, _behind_blanks(text, at + 1)


def _pair(text: str, at: int) -> tuple[tuple[Any, Any], int]:
    key, at = _plain(_KEY, text, _behind_blanks(text, at))
    value, at = _value(text, _expected(":", text, at))
    return (key, value), at


def _plain(pattern: re.Pattern[str], text: str, at: int) -> tuple[Any, int]:
    match = pattern.match(text, at)
    stripped = _STRIPPED.fullmatch(match[0]) if match else None
    if match is None or stripped is None or not stripped[1]:
        raise ValueError(text)
    plain = stripped[1]
    if plain.lower() in _WORDS:
        return _WORDS[plain.lower()], match.end()
    if _WHOLE.fullmatch(plain):
        return int(plain), match.end()
    return (float(plain) if _NUMBER.fullmatch(plain) else _ESCAPED.sub(r"\1", plain)), match.end()


def _expected(mark: str, text: str, at: int) -> int:
    if not text.startswith(mark, at):
        raise ValueError(text)
    return at + 1


def _behind_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    return at
