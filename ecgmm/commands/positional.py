"""Arguments without a key: ``ecgmm evaluate outputs/train/method=concat,recipe=quick`` (docs/reference/settings.md)."""

import os
import re
from collections.abc import Callable, Sequence

from hydra.core.override_parser.types import Quote, QuotedString

from ecgmm.configuration import CONF_DIR
from ecgmm.errors import ConfigError, printable
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.lookup import form_of

Positional = str | Callable[[str], str]
"""Key of a setting whose value may stand alone, or a function that tells it from the value."""
_KEY = re.compile(r"[+~]{0,2}([\w./@:-]*)=")
# Options of Hydra that a value follows.
_WITH_VALUE = re.compile(r"-c|-p|-i|-c[pnd]|--cfg|--package|--info|--config-(path|name|dir)|--experimental-rerun")


def with_keys(entry: str, positional: Sequence[Positional], arguments: Sequence[str]) -> list[str]:
    """Give each argument of a command its key.

    Args:
        entry: The command.
        positional: What may stand without a key, in this order; those given with their key are passed over.
        arguments: As the shell gave them.

    Returns:
        The same arguments, with ``key='value'`` in place of each that had no key. An argument with ``=`` in it is a
        path if what stands before the ``=`` cannot be a key (``outputs/train/method``), or if a file of this name
        exists and the command has no such key.

    Raises:
        ConfigError: If there are more of them than the command takes.
    """
    if not positional:
        return list(arguments)
    waiting = [key for key in positional if not any(text.lstrip("+").startswith(f"{key}=") for text in arguments)]
    complete = []
    for before, text in zip(["", *arguments], arguments, strict=False):
        if text.startswith("-") or _WITH_VALUE.fullmatch(before) or _is_setting(text, entry, waiting):
            complete.append(text)
            continue
        if not waiting:
            raise ConfigError(
                f"{entry} does not know what {printable(text)!r} is for; settings are written key=value, and a path or"
                " text with blanks in it needs quotes"
            )
        key = waiting.pop(0)
        name = key if isinstance(key, str) else key(text)
        complete.append(f"{name}={QuotedString(text=text, quote=Quote.single).with_quotes()}")
    return complete


def _is_setting(text: str, entry: str, waiting: Sequence[Positional]) -> bool:
    written = _KEY.match(text)
    if written is None:
        return False
    key = written[1]
    if "/" in key:
        return key.startswith("hydra/") or (CONF_DIR / key).is_dir()
    if re.split(r"[.@:]", key)[0] in (*ENTRIES[entry].fields, "hydra"):
        return True
    takes_text = bool(waiting) and isinstance(waiting[0], str) and form_of(waiting[0]) == "text"
    return not (takes_text or os.path.exists(text))  # noqa: PTH110 (Path.exists raises where a name is too long)
