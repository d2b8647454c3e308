"""Prepare a store: ``python -m ecgmm.prepare [data=mimic_iv_ecg data.root=/data/mimic-iv-ecg/1.0] ...``."""

from omegaconf import DictConfig

from ecgmm.building import construct
from ecgmm.commands import command_line


@command_line.command("prepare")
def main(data: DictConfig) -> None:
    """Prepare the store that ``data`` describes, add what its source has in addition, or show what it holds."""
    from ecgmm.console.terminal import say
    from ecgmm.data.preparation.manifest import print_summary  # slow imports, not needed by --help
    from ecgmm.data.preparation.opening import is_there, store_path
    from ecgmm.data.preparation.preparation import prepare_store
    from ecgmm.data.store.store import Store
    from ecgmm.integrity.report import PAGE_NAME, is_current, write_integrity

    settings = construct(data)
    before = Store.open(store_path(settings)) if is_there(store_path(settings)) else None
    path = prepare_store(settings)
    store = Store.open(path)
    if before is None:
        outcome = "is complete"
    elif before.fingerprint == store.fingerprint:
        print_summary(store.manifest)
        outcome = "was there already, and its source has nothing to add"
    else:
        n_more = store.records.height - before.records.height
        outcome = f"was there and has {n_more:,} rows more; its tables were made anew"
    if not is_current(path):
        write_integrity(path)
    say(f"{path} {outcome}; {path / PAGE_NAME} shows its recordings")


if __name__ == "__main__":
    command_line.run(main)
