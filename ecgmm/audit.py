"""Audit a store for leakage: ``python -m ecgmm.audit [data=... labels=...]``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("audit")
def main(
    data: DictConfig,
    labels: DictConfig,
    task: DictConfig,
    text: DictConfig,
    evaluation: DictConfig,
    seed: int,
    paths: DictConfig,
) -> None:
    """Print and save how much of a result would be leakage."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.auditing.audit import audit_store, save_audit
    from ecgmm.auditing.tables import print_audit
    from ecgmm.building import construct
    from ecgmm.console.plain_console import PlainConsole
    from ecgmm.console.terminal import say
    from ecgmm.data.preparation.opening import open_or_prepare
    from ecgmm.data.sources.labels.opening import open_labels

    store = open_or_prepare(data)
    table = open_labels(store, labels.name, construct(data).label_settings_with(labels))
    audit = audit_store(store, table, labels.priority, task, text, evaluation, seed)
    folder = Path(paths.outputs) / "audit" / store.path.name / labels.name
    save_audit(audit, folder)
    print_audit(audit, PlainConsole())
    say(folder)


if __name__ == "__main__":
    command_line.run(main)
