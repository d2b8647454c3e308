"""Measure how far the rule table agrees with an annotation: ``python -m ecgmm.agreement data.root=/data/ptb-xl``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.settings import check


@command_line.hydra_main("agreement")
def main(config: DictConfig) -> None:
    """Print how often superclasses that are read from English reports agree with the annotated ones."""
    check("agreement", config)
    from ecgmm.auditing.agreement import print_agreement  # slow imports, not needed by --help
    from ecgmm.building import construct
    from ecgmm.console.plain_console import PlainConsole

    print_agreement(construct(config.data).read_index(), PlainConsole())


if __name__ == "__main__":
    command_line.run(main)
