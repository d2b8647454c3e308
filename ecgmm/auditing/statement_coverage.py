"""Coverage of a list of statements by the rule table, and the statements that no rule recognises."""

import json
from pathlib import Path

from rich.table import Table

from ecgmm.console.plain_console import PlainConsole
from ecgmm.console.terminal import say
from ecgmm.errors import DataError
from ecgmm.files import read_bounded
from ecgmm.text.statements import coverage, findings_of

_MOST_BYTES = 64 << 20
"""A million statements."""


def read_statements(path: Path) -> list[str]:
    """Read a file of one statement per line; empty lines are skipped.

    Raises:
        DataError: If the file is missing, is not UTF-8 text or holds no statement.
    """
    try:
        lines = read_bounded(path, _MOST_BYTES).decode().splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text; save it as plain text with one statement a line") from None
    except OSError:
        raise DataError(f"{path} cannot be read; give a text file with one statement a line") from None
    statements = [line.strip() for line in lines if line.strip()]
    if not statements:
        raise DataError(f"{path} holds no statement; write one statement a line")
    return statements


def print_coverage(statements: list[str]) -> None:
    """Print counts by category and superclass, the unrecognised statements, and finally a line of JSON."""
    counts = coverage(statements)
    total = counts["total"]
    table = Table(title="Statements (one may count in several rows)", title_justify="left")
    table.add_column("")
    table.add_column("statements", justify="right")
    table.add_column("share", justify="right")
    for name, count in counts.items():
        table.add_row(name.replace("/", ": "), f"{count:,}", f"{count / total:.1%}")
    PlainConsole().print(table)
    unrecognised = [statement for statement in statements if not findings_of(statement)]
    say(f"unrecognised: {len(unrecognised)}", *(f"  {statement}" for statement in unrecognised))
    say(json.dumps({"total": total, "unrecognised": counts["unrecognised"]}))
