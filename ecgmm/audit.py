"""Audit a store for leakage: ``python -m ecgmm.audit [data=... labels=...]``.

The rule table alone: ``statements=FILE`` (coverage), ``agreement=true data=ptb_xl`` (against the annotation).
"""

import hydra
from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.configuration import CONF_DIR
from ecgmm.settings import check


@hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name="audit")
def main(config: DictConfig) -> None:
    """Print and save how much of a result would be leakage, or how good the rule table is."""
    check("audit", config)
    from pathlib import Path  # with the slow imports below, not needed by --help

    if config.statements is not None:
        from ecgmm.auditing.statement_coverage import print_coverage, read_statements

        print_coverage(read_statements(Path(config.statements)))
        return

    from ecgmm.console.plain_console import PlainConsole
    from ecgmm.console.terminal import say

    if config.agreement:
        from ecgmm.auditing.agreement import print_agreement
        from ecgmm.building import construct

        print_agreement(construct(config.data).read_index(), PlainConsole())
        return

    from ecgmm.auditing.audit import audit_store, save_audit
    from ecgmm.auditing.tables import print_audit
    from ecgmm.data.preparation.preparation import open_or_prepare

    store = open_or_prepare(config.data)
    audit = audit_store(config, store)
    folder = Path(config.paths.outputs) / "audit" / store.path.name / config.labels.name
    save_audit(audit, folder)
    print_audit(audit, PlainConsole())
    say(folder)


if __name__ == "__main__":
    command_line.run(main)
