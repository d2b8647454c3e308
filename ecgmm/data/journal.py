"""What a preparation has done so far, kept so that a killed one goes on where it stopped."""

import sqlite3
from pathlib import Path


class Journal:
    """Results of finished units in one SQLite file; a unit is there whole or not at all, whenever its writer is killed.

    Nothing is flushed to the disk, which a killed process does not need; a machine that loses power may lose the
    end of what was written, so that a journal counts for one start of the machine only (``boot_id``).

    Args:
        path: The file; made if it is not there.
        made_for: What the work is done for; a journal of other work is emptied.
    """

    def __init__(self, path: Path, made_for: str) -> None:
        try:
            self._open(path)
            self.fresh = self.find("made for") != made_for.encode()
        except sqlite3.DatabaseError:  # damaged by a loss of power
            path.unlink()
            self._open(path)
            self.fresh = True
        if self.fresh:
            self._database.execute("DELETE FROM units")
            self.add("made for", made_for.encode())

    def _open(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)  # each statement is a transaction
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS units (key TEXT PRIMARY KEY, result BLOB)")

    def find(self, key: str) -> bytes | None:
        """Result of a unit, None if it is not finished."""
        row = self._database.execute("SELECT result FROM units WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def add(self, key: str, result: bytes) -> None:
        """Keep the result of a finished unit."""
        self._database.execute("INSERT OR REPLACE INTO units VALUES (?, ?)", (key, result))

    def close(self) -> None:
        """Close the file, which stays."""
        self._database.close()


def boot_id() -> str:
    """A text that is another one after each start of the machine; empty where the system tells none."""
    file = Path("/proc/sys/kernel/random/boot_id")
    return file.read_text().strip() if file.exists() else ""
