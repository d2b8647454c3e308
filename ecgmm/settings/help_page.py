"""Page that ``--help`` prints: usage, groups with their choices, keys with their sentences."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence

from ecgmm.configuration import options
from ecgmm.settings.explained import ADDED_GROUPS, Key, choices_explained, explained

_NARROWEST, _WIDEST = 80, 120
_LONGEST_VALUE = 60
_MORE = """\
A key is set by key=value; a list is written [I,II], nothing is null, and ??? has to be given. `--cfg job` behind the
command prints all settings as they would be used, `-m` runs one job for each of several values (seed=1,2),
`--hydra-help` lists Hydra's own options."""


def help_page(command: str, overrides: Sequence[str] = ()) -> str:
    """Make the help of a command for the terminal's width.

    Args:
        command: As ``entries.ENTRIES`` lists them.
        overrides: Of its command line; the keys are those of the chosen groups.
    """
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    page = explained(command, overrides)
    lines = [*page.usage, "", *_wrapped(page.text, width, "")]
    if page.choices:
        lines += ["", "Groups"]
    for group, choice in page.choices.items():
        others = [name for name in options(group) if name != choice]
        lines += [f"  {group}={choice}", *_wrapped(choices_explained(group).get(choice, ""), width)]
        lines += _wrapped(f"or {', '.join(others)}", width) if others else []
    for group in ADDED_GROUPS.get(command, ()):
        lines += [f"  +{group}=...", *_wrapped(f"adds one of {', '.join(options(group))}", width)]
    lines += ["", "Keys"]
    for keys in _together(page.keys):
        names = "  ".join(_with_value(key) for key in keys)
        lines += [*_wrapped(names, width, "  "), *_wrapped(keys[0].sentence, width)]
    return "\n".join([*lines, "", *_wrapped(_MORE, width, "")])


def template(command: str, overrides: Sequence[str] = ()) -> str:
    """The help as a template of Hydra's (``hydra.help.template``), in which ``$`` is doubled."""
    return help_page(command, list(overrides)).replace("$", "$$")


def _together(keys: Sequence[Key]) -> Iterator[list[Key]]:
    """Keys with a sentence, each with those that follow it in the same group and share its sentence."""
    block: list[Key] = []
    for key in keys:
        if key.value is None and not key.sentence:
            continue
        beside = (
            block and block[-1].value is not None and key.name.rpartition(".")[0] == block[-1].name.rpartition(".")[0]
        )
        if key.sentence or not beside:
            if block:
                yield block
            block = []
        block.append(key)
    if block:
        yield block


def _with_value(key: Key) -> str:
    if key.value is None:
        return f"{key.name}:"
    return f"{key.name}={textwrap.shorten(key.value, _LONGEST_VALUE, placeholder=' ...') or key.value[:_LONGEST_VALUE]}"


def _wrapped(text: str, width: int, indent: str = "      ") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
