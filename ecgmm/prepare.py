"""Prepare a store: ``python -m ecgmm.prepare [data=mimic_iv_ecg data.root=/data/mimic-iv-ecg/1.0] ...``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ecgmm.building import construct
from ecgmm.commands import command_line


@command_line.command("prepare")
def main(data: DictConfig, rates_hz: Sequence[int]) -> None:
    """Prepare the stores that ``data`` describes, add what its source has in addition, or show what they hold."""
    from ecgmm.data.preparation.opening import is_there, store_path  # slow imports, not needed by --help
    from ecgmm.data.preparation.preparation import prepare_stores
    from ecgmm.data.store.store import read_manifest

    settings = [construct(data, rate_hz=rate_hz) for rate_hz in rates_hz]
    places = [store_path(one) for one in settings]
    before = [read_manifest(path) if is_there(path) else None for path in places]
    for path, told in zip(prepare_stores(settings), before, strict=True):
        _show(path, told)


def _show(path: Path, before: tuple[dict[str, Any], str] | None) -> None:
    """Say what became of a store, and write its page; ``before`` is as ``read_manifest`` gives it."""
    from ecgmm.console.terminal import say
    from ecgmm.data.preparation.manifest import print_summary
    from ecgmm.data.store.store import Store
    from ecgmm.integrity.report import PAGE_NAME, is_current, write_integrity

    store = Store.open(path)
    if before is None:
        outcome = "is complete"
    elif before[1] == store.fingerprint:
        print_summary(store.manifest)
        outcome = "was there already, and its source has nothing to add"
    else:
        n_more = store.records.height - before[0]["n_records"]
        outcome = f"was there and has {n_more:,} rows more; its tables were made anew"
    if not is_current(path):
        write_integrity(path)
    say(f"{path} ({store.manifest['rate_hz']} Hz) {outcome}; {path / PAGE_NAME} shows its recordings")


if __name__ == "__main__":
    command_line.run(main)
