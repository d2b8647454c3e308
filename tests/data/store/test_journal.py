"""What was finished is found again; what is no journal is neither read nor thrown away."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ecgmm.data.store.journal import Journal
from ecgmm.errors import DataError


def test_what_was_added_is_found_by_the_next_and_is_its_owners_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x.journal", "work")
    assert journal.fresh
    journal.add("key", b"result")
    journal.close()
    assert (tmp_path / "x.journal").stat().st_mode & 0o777 == 0o600
    again = Journal(tmp_path / "x.journal", "work")
    assert not again.fresh
    assert again.find("key") == b"result"
    again.close()
    assert Journal(tmp_path / "x.journal", "other work").find("key") is None


@pytest.mark.parametrize(
    "put",
    [
        os.mkfifo,
        Path.mkdir,
        lambda file: (file.with_name("v").touch(), file.symlink_to("v")),
        lambda file: file.symlink_to("no"),
    ],
    ids=["FIFO", "folder", "link", "link to nothing"],
)
def test_what_is_no_file_is_left_alone(tmp_path: Path, put: Any) -> None:
    put(tmp_path / "x.journal")
    with pytest.raises(DataError, match=r"x\.journal .*(move what is there away|move it away)"):
        Journal(tmp_path / "x.journal", "work")
    assert os.path.lexists(tmp_path / "x.journal")


class Refusing:
    """A database that a full or failing disk lies below."""

    def __init__(self, code: int) -> None:
        self.code = code

    def execute(self, *_: object) -> None:
        error = sqlite3.OperationalError("refused")
        error.sqlite_errorcode = self.code
        raise error


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [(sqlite3.SQLITE_FULL, OSError, "No space left"), (sqlite3.SQLITE_IOERR, DataError, "cannot be used")],
)
def test_a_disk_that_refuses_is_said(tmp_path: Path, code: int, kind: type[Exception], message: str) -> None:
    journal = Journal(tmp_path / "x.journal", "work")
    journal._database = Refusing(code)  # type: ignore[assignment]  # a stand-in
    with pytest.raises(kind, match=message):
        journal.add("key", b"result")


def test_a_journal_that_cannot_be_read_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(tmp_path / "x.journal", "work").close()
    before = (tmp_path / "x.journal").read_bytes()
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: Refusing(sqlite3.SQLITE_CANTOPEN))
    with pytest.raises(DataError, match="cannot be used"):
        Journal(tmp_path / "x.journal", "work")
    assert (tmp_path / "x.journal").read_bytes() == before
