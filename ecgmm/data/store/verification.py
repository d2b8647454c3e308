"""Check of a whole store against its digests, for ``python -m ecgmm.verify``."""

from pathlib import Path

from ecgmm.data.store.digests import table_digest
from ecgmm.data.store.faults import damaged
from ecgmm.data.store.rows import check_all_rows
from ecgmm.data.store.store import EVIDENCE, RECORDS, REPORTS, WAVEFORMS, Store
from ecgmm.data.store.waveform_file import HEADER_BYTES


def verify_store(path: Path) -> list[str]:
    """Compare a store with its digests.

    Args:
        path: Its folder.

    Returns:
        Lines that say what is sound.

    Raises:
        DataError: If anything is not what preparation wrote.
    """
    store = Store.open(path)
    for name, table in ((RECORDS, store.records), (REPORTS, store.reports), (EVIDENCE, store.evidence())):
        if table_digest(table) != store.manifest["content"][name]:
            raise damaged(path, f"the content of {name} is not that of its fingerprint")
    check_all_rows(store)
    n_rows = store.records.height
    lines = [f"{path} is sound: {n_rows:,} waveforms and all tables are those that were written"]
    spare = store.waveform_file.stat().st_size - HEADER_BYTES - store.waveforms.nbytes
    if spare:
        lines.append(
            f"{WAVEFORMS} has {spare:,} bytes behind its rows, of a growth under way or given up; nobody reads them"
        )
    return lines
