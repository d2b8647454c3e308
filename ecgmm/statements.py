"""Measure how much of a list of report statements the rule table knows: ``python -m ecgmm.statements FILE``."""

from ecgmm.commands import command_line


@command_line.command("statements", "file")
def main(file: str) -> None:
    """Print what the rule table knows of the statements in a file, and those that no rule recognises."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.auditing.statement_coverage import print_coverage, read_statements

    print_coverage(read_statements(Path(file)))


if __name__ == "__main__":
    command_line.run(main)
