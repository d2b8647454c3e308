"""Measure how far the rule table agrees with an annotation: ``python -m ecgmm.agreement data.root=/data/ptb-xl``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("agreement")
def main(data: DictConfig) -> None:
    """Print how often superclasses that are read from English reports agree with the annotated ones."""
    from ecgmm.auditing.agreement import print_agreement  # slow imports, not needed by --help
    from ecgmm.building import construct
    from ecgmm.console.plain_console import PlainConsole

    print_agreement(construct(data).read_index(), PlainConsole())


if __name__ == "__main__":
    command_line.run(main)
