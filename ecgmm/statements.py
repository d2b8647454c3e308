"""Measure how much of a list of report statements the rule table knows: ``python -m ecgmm.statements FILE``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.settings import check


@command_line.hydra_main("statements", "file")
def main(config: DictConfig) -> None:
    """Print what the rule table knows of the statements in a file, and those that no rule recognises."""
    check("statements", config)
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.auditing.statement_coverage import print_coverage, read_statements

    print_coverage(read_statements(Path(config.file)))


if __name__ == "__main__":
    command_line.run(main)
