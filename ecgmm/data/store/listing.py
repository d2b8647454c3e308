"""The prepared stores of a folder, each by what its manifest says; none is opened."""

from dataclasses import dataclass
from pathlib import Path

from ecgmm.data.store.store import MANIFEST, read_manifest
from ecgmm.errors import DataError


@dataclass(frozen=True)
class StoreSummary:
    """Summary of a store.

    Attributes:
        path: Its folder.
        source: Name of its source, as in ``ptb_xl``; empty where the manifest tells none.
        n_records: Rows, as many as waveforms.
        rate_hz: Sampling rate; None where the manifest tells none.
        fingerprint: Fingerprint of its content, see ``Store``.
    """

    path: Path
    source: str
    n_records: int
    rate_hz: float | None
    fingerprint: str

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name


def stores(folder: Path | str) -> list[StoreSummary]:
    """List the complete stores of a folder by name; what is no store, or of another version, is passed over.

    Args:
        folder: The folder; it need not be there.
    """
    summaries = (_summary(file.parent) for file in sorted(Path(folder).glob(f"*/{MANIFEST}")))
    return [summary for summary in summaries if summary is not None]


def _summary(path: Path) -> StoreSummary | None:
    try:
        manifest, fingerprint = read_manifest(path)
        source = manifest.get("source", {}).get("name", "")
        return StoreSummary(path, source, manifest["n_records"], manifest.get("rate_hz"), fingerprint)
    except (DataError, AttributeError, LookupError, TypeError):
        return None
