"""A download that the disk cannot hold is refused before it begins."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.hostile_server import HostileServer, serve
from ecgmm.data.download.room import check_room
from ecgmm.data.download.site import Connection, Site
from ecgmm.errors import DataError

PATHS = [f"files/p{number}/{number}.{suffix}" for number in range(20) for suffix in ("hea", "dat")] + ["table.csv"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HostileServer]:
    for path in PATHS:
        file = tmp_path / "tree" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes({".hea": 600, ".dat": 120_000, ".csv": 1_000_000}[file.suffix]))
    with serve(tmp_path / "tree") as running:
        yield running


def site_of(server: HostileServer) -> Site:
    return Site(server.url, Connection(n_parallel=2, n_attempts=2, pause_s=0, timeout_s=5))


def free(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=n_bytes))


def test_the_need_is_between_the_bytes_and_the_blocks(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_bytes = 20 * 120_600 + 1_000_000
    free(monkeypatch, n_bytes)
    with pytest.raises(
        DataError, match=r"41 files need about 3\.\d+ MB, and the disk of .* has 3.41 MB free; free some"
    ):
        check_room(site_of(server), tmp_path, PATHS)
    free(monkeypatch, n_bytes + 41 * 2 * 4096)
    check_room(site_of(server), tmp_path, PATHS)


def test_only_a_few_files_are_asked_for_their_size(server: HostileServer, tmp_path: Path) -> None:
    check_room(site_of(server), tmp_path, PATHS)
    assert sum(server.seen.values()) == 11


def test_only_what_is_missing_counts(server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 200_000)
    check_room(site_of(server), tmp_path, PATHS[:2])
    with pytest.raises(DataError):
        check_room(site_of(server), tmp_path, PATHS[:4])


def test_a_server_that_does_not_tell_is_said(
    server: HostileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.lengths = False
    with caplog.at_level(logging.WARNING):
        check_room(site_of(server), tmp_path, PATHS)
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        f"the server does not tell the size of {kind}" for kind in ("files/*.hea", "files/*.dat", "table.csv")
    ]
