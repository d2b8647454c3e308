"""Journal of a preparation: its finished units, so that a killed one goes on where it stopped."""

import errno
import os
import sqlite3
import stat
from pathlib import Path
from urllib.parse import quote

from ecgmm.errors import DataError, printable

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Journal:
    """Results of finished units in one SQLite file; a unit is there whole or not at all, whenever its writer is killed.

    Nothing is flushed to the disk, which a killed process does not need; a machine that loses power may lose the
    end of what was written, so that a journal counts for one start of the machine only (``boot_id``). The file names
    records: its owner alone may read it. It is not locked: who works on a store holds the lock of ``one_process``.

    Args:
        path: The file; made if it is not there.
        made_for: What the work is done for; a journal of other work is emptied.

    Raises:
        DataError: If there is something else at its place, or the system does not let us open it.
    """

    def __init__(self, path: Path, made_for: str) -> None:
        self._path = path
        _make_privately(path)
        try:
            self._open()
            self.fresh = self.find("made for") != made_for.encode()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in _DAMAGED:
                raise self._not_used(error) from None
            path.unlink()  # damaged by a loss of power
            _make_privately(path)
            self._open()
            self.fresh = True
        if self.fresh:
            self._run("DELETE FROM units")
            self.add("made for", made_for.encode())

    def _open(self) -> None:
        # each statement is a transaction
        self._database = sqlite3.connect(
            f"file:{quote(os.fsencode(self._path))}?nolock=1", uri=True, isolation_level=None
        )
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS units (key TEXT PRIMARY KEY, result BLOB)")

    def find(self, key: str) -> bytes | None:
        """Result of one unit, None if it is not finished."""
        row = self._database.execute("SELECT result FROM units WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def add(self, key: str, result: bytes) -> None:
        """Keep the result of a finished unit.

        Raises:
            OSError: If the disk is full.
        """
        self._run("INSERT OR REPLACE INTO units VALUES (?, ?)", (key, result))

    def _run(self, statement: str, values: tuple[str, bytes] | tuple[()] = ()) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path)) from None
            raise self._not_used(error) from None

    def _not_used(self, error: sqlite3.DatabaseError) -> DataError:
        return DataError(
            f"{printable(self._path)} cannot be used ({error}); see that its folder can be written and start again,"
            " which goes on from here"
        )

    def close(self) -> None:
        """Close the file, which stays."""
        self._database.close()


def _make_privately(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DataError(
            f"{printable(path)} cannot be opened for writing ({error.strerror}); move what is there away, or see that"
            " its folder can be written"
        ) from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DataError(f"{printable(path)} is not a regular file; move it away and start again")


def boot_id() -> str:
    """A text that is another one after each start of the machine; empty where the system tells none."""
    file = Path("/proc/sys/kernel/random/boot_id")
    return file.read_text().strip() if file.exists() else ""
