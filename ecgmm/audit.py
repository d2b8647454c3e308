"""Audit a store for leakage: ``python -m ecgmm.audit [data=... labels=...]``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.settings import check


@command_line.hydra_main("audit")
def main(config: DictConfig) -> None:
    """Print and save how much of a result would be leakage."""
    check("audit", config)
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.auditing.audit import audit_store, save_audit
    from ecgmm.auditing.tables import print_audit
    from ecgmm.console.plain_console import PlainConsole
    from ecgmm.console.terminal import say
    from ecgmm.data.preparation.preparation import open_or_prepare

    store = open_or_prepare(config.data)
    audit = audit_store(config, store)
    folder = Path(config.paths.outputs) / "audit" / store.path.name / config.labels.name
    save_audit(audit, folder)
    print_audit(audit, PlainConsole())
    say(folder)


if __name__ == "__main__":
    command_line.run(main)
