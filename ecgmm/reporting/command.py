"""Commands that make a table or figure: their command line, their files and their end."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from ecgmm.console.ending import ended
from ecgmm.console.system_errors import first_sentence
from ecgmm.console.terminal import say
from ecgmm.files import write_whole


def exit_code(collect: Callable[[], None]) -> int:
    """Run it: 0, 2 after one line on standard error for what the user can mend, or that of a signal."""
    return ended(collect, first_sentence)


def run_on_folder(
    name: str, doc: str | None, folder_is: str, draw: Callable[[Path], None], arguments: Sequence[str] | None
) -> int:
    """Run a command whose one argument is a folder of runs; returns the exit code.

    Args:
        name: What stands after ``ecgmm``.
        doc: Docstring of its module, whose first line describes it.
        folder_is: What the folder is, for --help.
        draw: The command.
        arguments: Of the command line; None for those of the process.
    """
    parser = argparse.ArgumentParser(prog=f"ecgmm {name}", description=(doc or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help=folder_is)
    folder = parser.parse_args(arguments).folder
    return exit_code(lambda: draw(folder))


def save_and_say(folder: Path, name: str, markdown: str, csv: str) -> None:
    """Write ``<name>.md`` and ``<name>.csv`` into a folder, which is made, and print the first."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{name}.md", markdown.encode())
    write_whole(folder / f"{name}.csv", csv.encode())
    say(*markdown.split("\n"))
