"""Reference of all settings as Markdown: ``python -m ecgmm.settings.reference`` prints it."""

from collections.abc import Iterator, Sequence

from ecgmm.configuration import options
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.explained import ADDED_GROUPS, Explained, Key, choices_explained, explained
from ecgmm.settings.kinds import Value
from ecgmm.settings.lookup import specs_at

_WITHOUT_KEYS = ("experiment", "ablation", "tuned", "recipe", "size")
"""Groups whose files set keys of other groups."""


def reference() -> str:
    """Make the page: every command with its own keys, then every group with its choices and their keys."""
    commands = {name: explained(name) for name in ENTRIES}
    groups = sorted({group for command in commands.values() for group in command.choices})
    lines = ["# Settings", "", "Made of the comments and tables of the settings; do not edit this page.", ""]
    for name, command in commands.items():
        lines += _command(name, command)
    for group in (*groups, *ADDED_GROUPS["train"]):
        lines += _group(group, [name for name, command in commands.items() if group in command.choices] or ["train"])
    return "\n".join(lines)


def _command(name: str, command: Explained) -> list[str]:
    own = [key for key in command.keys if key.name.partition(".")[0] not in command.choices]
    links = ", ".join(f"[`{group}`](#{group})" for group in command.choices)
    return [
        f"## {name}",
        "",
        *(f"    {line}" for line in command.usage),
        "",
        command.text,
        "",
        *([f"Groups: {links}.", ""] if links else []),
        *_table(name, own),
    ]


def _group(group: str, commands: Sequence[str]) -> list[str]:
    mark = "+" if group in ADDED_GROUPS["train"] else ""
    lines = [
        f"## {group}",
        "",
        f"Of {', '.join(commands)}: `{mark}{group}=...`",
        "",
        "| choice | what it is |",
        "|---|---|",
    ]
    lines += [f"| `{choice}` | {_cell(text)} |" for choice, text in choices_explained(group).items()]
    lines += [""]
    if group in _WITHOUT_KEYS:
        return lines
    shown = set[Key]()
    for choice in options(group):
        known = explained(commands[0], [f"{group}={choice}"]).keys
        keys = [key for key in known if key.name.partition(".")[0] == group]
        new = [key for key in keys if key not in shown]
        if new:
            lines += [f"### {group}={choice}", "", *_table(commands[0], new)]
        shown.update(keys)
    return lines


def _table(command: str, keys: Sequence[Key]) -> list[str]:
    rows = [
        f"| `{key.name}` | {_code(key.value)} | {_cell(_range(command, key.name))} | {_cell(key.sentence)} |"
        for key in keys
        if key.value is not None or key.sentence
    ]
    return ["| key | default | must be | meaning |", "|---|---|---|---|", *rows, ""] if rows else []


def _range(command: str, name: str) -> str:
    """What the tables say that a value must be."""
    return "; or ".join(dict.fromkeys(_words(command, name)))


def _words(command: str, name: str) -> Iterator[str]:
    for spec in specs_at(ENTRIES[command], name):
        if isinstance(spec, Value):
            yield spec.words + ", or null" * spec.null


def _code(value: str | None) -> str:
    return "" if value is None else f"`{_cell(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(reference())  # noqa: T201 (a script, whose output becomes the page)
