"""What pages of the site insert: result files, lists of commands and settings, the patches of CONTRIBUTING.md.

A line ``{{ table NAME }}`` of a page becomes the rows of ``docs/results/data/NAME.csv`` with its notes, and
``{{ value NAME | row | column }}`` one cell of it, so that a number stands in one file however many pages show it;
``{{ leaderboard VIEW }}`` brings files of one data set together, and ``{{ gpus }}`` shows each ``gpu*.json``.
"""

import ast
import csv
import io
import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ecgmm.__main__ import commands as modules_of_commands
from ecgmm.__main__ import summary
from ecgmm.settings.reference import reference

ROOT = Path(__file__).resolve().parents[1]
USER_ERRORS = ("UserError", "ConfigError", "DataError", "BadRecordError", "UnavailableError")
DATA = ROOT / "docs" / "results" / "data"
INSERTED = re.compile(r"\{\{ (\w+) ?([^{}]*?) ?\}\}")


def read_results(name: str) -> tuple[list[str], list[list[str]]]:
    """Notes and rows, the header first, of ``docs/results/data/<name>.csv``."""
    lines = (DATA / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    notes = [line.removeprefix("# ") for line in lines if line.startswith("#")]
    rows = list(csv.reader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))
    return notes, rows


def table(name: str) -> str:
    """Markdown table of a result file with its notes below."""
    notes, rows = read_results(name)
    lines = [row(*(cell or " " for cell in cells)) for cells in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join([*map(unbroken, lines), "", *(f"<small>{note}</small><br>" for note in notes)])


def unbroken(line: str) -> str:
    """A row of numbers whose intervals stay on one line, however narrow the column."""
    return re.sub(r"(?<=\d)–(?=[−\d])", "\u2060–\u2060", line.replace(" ± ", "\u00a0±\u00a0"))


def value(words: str) -> str:
    """One cell of a result file, given as ``name | row | column``; the row is that whose first cell is so."""
    name, first, column = (" ".join(word.split()) for word in words.split("|"))
    rows = read_results(name)[1]
    cells = {cells[0]: cells for cells in rows}
    return cells[first][rows[0].index(column)]


def beside(name: str) -> ModuleType:
    """A module of this folder, which mkdocs does not look for: it loads this file alone."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return import_module(name)
    finally:
        sys.path.pop(0)


def leaderboard_of(view: str) -> str:
    """One view of the leaderboard."""
    board = beside("leaderboard")
    text: str = board.leaderboard(view, lambda name: read_results(name)[1] if (DATA / f"{name}.csv").exists() else None)
    return unbroken(text)


def gpus_of(_: str) -> str:
    """What was measured of each GPU (files ``gpu*.json``), or how to."""
    results = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("gpu*.json"))}
    text: str = beside("gpus").gpus(results)
    return text


def commands(_: str) -> str:
    """Table of the commands."""
    rows = [row(f"`ecgmm {name}`", summary(module)) for name, module in modules_of_commands().items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def settings(_: str) -> str:
    """Every command and every group of settings with its keys; pages that the sentences name become links."""
    text = reference()
    text = re.sub(r"python -m ecgmm\.(\w+)", r"ecgmm \1", text[text.index("\n## ") :])
    return re.sub(r"docs/([\w/-]+)\.md", r"[\1](../\1.md)", text)


def row(*cells: str) -> str:
    """One row of a Markdown table; pipes in code letters do not part its cells."""
    return "| " + " | ".join(cell if "`" in cell else cell.replace("|", "&#124;") for cell in cells) + " |"


def errors(_: str) -> str:
    """Table of the messages that end a command with exit code 2, by the room that they come from."""
    rooms: dict[str, set[str]] = {}
    for path in sorted((ROOT / "ecgmm").rglob("*.py")):
        room = path.relative_to(ROOT).parent.as_posix()
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id in USER_ERRORS and call.args:
                rooms.setdefault(room, set()).add(template(call.args[0]))
    lines = []
    for room, messages in rooms.items():
        whole = sorted((message for message in messages if re.search(r"\w{3,} \w", message)), key=str.lower)
        lines += [f"### {room}", "", *(f"- {message}" for message in whole), ""] if whole else []
    return "\n".join(lines)


def template(message: ast.expr) -> str:
    """Words of a message, with … in the place of each value."""
    if isinstance(message, ast.Constant):
        return str(message.value).replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
    if isinstance(message, ast.JoinedStr):
        return re.sub("…+", "…", "".join(template(part) for part in message.values))
    if isinstance(message, ast.BinOp):
        return template(message.left) + template(message.right)
    return "…"


def root_file(name: str) -> str:
    """A Markdown file of the project's root, with its links turned to the site's pages and its patches shown."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", text)
    return re.sub(r"^.*\]\(examples/contributing/([\w-]+)\.patch\).*$", shown_patch, text, flags=re.MULTILINE)


def shown_patch(link: re.Match[str]) -> str:
    """A line with a link to a patch, and below it the patch itself in a box that opens."""
    line = re.sub(r"\[([^\]]*)\]\(examples/[^)]*\)", r"\1", link[0])
    path = ROOT / "examples" / "contributing" / f"{link[1]}.patch"
    if not path.exists():
        return line
    diff = "\n".join(f"    {row}".rstrip() for row in path.read_text(encoding="utf-8").splitlines())
    return f'{line}\n\n??? example "{link[1]}.patch"\n\n    ```diff\n{diff}\n    ```\n'


INSERTS: dict[str, Callable[[str], str]] = {
    "table": table,
    "value": value,
    "leaderboard": leaderboard_of,
    "gpus": gpus_of,
    "commands": commands,
    "settings": settings,
    "errors": errors,
    "file": root_file,
}


def insert(markdown: str) -> str:
    """The text of a page with everything inserted that it names between double braces."""
    return INSERTED.sub(lambda match: INSERTS[match[1]](match[2]), markdown)


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Insert into a page before it is rendered (called by mkdocs)."""
    if page.parent is None:
        page.meta["hide"] = ["navigation"]  # a tab with one page has nothing to list beside it
    return insert(markdown)
