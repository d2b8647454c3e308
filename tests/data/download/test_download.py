"""A download from a server that fails in every way ends with the tree of its list, or says what is missing."""

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hostile_server import HostileServer, serve, write_list
from ecgmm.data.download import fetch as fetch_module
from ecgmm.data.download import mirror as mirror_module
from ecgmm.data.download.checksum_list import LIST_NAME
from ecgmm.data.download.fetch import CONTINUE_FROM, fetch_list
from ecgmm.data.download.mirror import Outcome, mirror
from ecgmm.data.download.site import Connection, Site
from ecgmm.errors import ConfigError, DataError

LARGE, EMPTY = "table.csv", "files/p1/empty"
ODD = "files/p1/a b#c%41?d+é.dat"
SMALL = [f"files/p{patient}/s{study}.{suffix}" for patient in (1, 2) for study in (1, 2) for suffix in ("hea", "dat")]
NAMES = [LARGE, EMPTY, ODD, *SMALL]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root, rng = tmp_path / "source", random.Random(0)
    for name in NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        size = {LARGE: 3 * CONTINUE_FROM, EMPTY: 0}.get(name, 1000)
        (root / name).write_bytes(rng.randbytes(size))
    write_list(root)
    return root


@pytest.fixture
def server(source: Path) -> Iterator[HostileServer]:
    with serve(source) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def site_of(server: HostileServer, n_attempts: int = 4, n_parallel: int = 4) -> Site:
    return Site(server.url, Connection(n_parallel=n_parallel, n_attempts=n_attempts, pause_s=0.0, timeout_s=5))


def download(server: HostileServer, target: Path, n_attempts: int = 4) -> Outcome:
    site = site_of(server, n_attempts)
    return mirror(site, target, fetch_list(site, target), lambda path: True)


def tree_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def n_got(server: HostileServer) -> int:
    return sum(count for (method, path), count in server.seen.items() if method == "GET" and path != LIST_NAME)


def test_the_tree_is_the_source_and_a_second_call_fetches_nothing(server: HostileServer, target: Path) -> None:
    first = download(server, target)
    assert tree_of(target) == tree_of(server.root)
    assert (first.n_fetched, first.n_wanted, first.problems) == (len(NAMES), len(NAMES), [])
    assert first.n_bytes == sum((server.root / name).stat().st_size for name in NAMES)
    n_before = n_got(server)
    assert download(server, target).n_fetched == 0
    assert n_got(server) == n_before
    assert server.seen["GET", LIST_NAME] == 1


def test_connections_are_kept(server: HostileServer, target: Path) -> None:
    download(server, target)
    assert server.n_connections <= 5  # one for the list and the sizes, four threads


@pytest.mark.parametrize("fault", ["drop", "truncate", "wrong", "500", "503", "slow", "close"])
def test_what_passes_is_tried_again(server: HostileServer, target: Path, fault: str) -> None:
    for name in [*NAMES, LIST_NAME]:
        if (name, fault) not in [(LIST_NAME, "wrong"), (LIST_NAME, "close"), (EMPTY, "wrong")]:
            server.faults[name] = [fault]
    assert download(server, target).problems == []
    assert tree_of(target) == tree_of(server.root)
    if fault != "slow":
        assert server.seen["GET", SMALL[0]] == 2


def test_the_server_says_how_long_to_wait(server: HostileServer, target: Path) -> None:
    server.faults[SMALL[0]], server.retry_after_s = ["503", "429"], 0
    site = Site(server.url, Connection(n_parallel=2, n_attempts=3, pause_s=60, timeout_s=5))
    start = time.monotonic()
    assert mirror(site, target, fetch_list(site, target), lambda path: True).problems == []
    assert time.monotonic() - start < 20


def test_redirects_are_followed(server: HostileServer, target: Path) -> None:
    site = Site(server.url.replace("/tree", "/old/"), Connection(n_parallel=2, n_attempts=1, pause_s=0, timeout_s=5))
    assert mirror(site, target, fetch_list(site, target), lambda path: True).problems == []
    assert tree_of(target) == tree_of(server.root)


def test_a_file_that_stays_wrong_or_missing_is_told_and_the_rest_is_fetched(
    server: HostileServer, target: Path
) -> None:
    server.always = {SMALL[0]: "wrong", SMALL[1]: "truncate", LARGE: "wrong", ODD: "500"}
    (server.root / SMALL[2]).unlink()
    problems = {path: problem for path, _, problem in download(server, target, n_attempts=3).problems}
    assert set(problems) == {SMALL[0], SMALL[1], SMALL[2], LARGE, ODD}
    assert problems[SMALL[2]] == "HTTP status 404"
    assert problems[SMALL[0]] == "the bytes are not those of the checksum, after 3 attempts"
    assert problems[ODD] == "HTTP status 500, after 3 attempts"
    assert "connection lost" in str(problems[SMALL[1]])
    assert server.seen["GET", SMALL[2]] == 1
    there = {name for name in tree_of(target) if not name.endswith(".part")}
    assert there == {*NAMES, LIST_NAME} - set(problems)

    server.always.clear()  # repaired: only what was missing is asked for
    assert {path for path, _, _ in download(server, target).problems} == {SMALL[2]}
    assert server.seen["GET", SMALL[3]] == 1


def test_a_wrong_file_that_is_there_is_replaced(server: HostileServer, target: Path) -> None:
    download(server, target)
    (target / SMALL[0]).write_bytes(b"damaged")
    os.truncate(target / LARGE, 100)
    assert download(server, target).n_fetched == 2
    assert tree_of(target) == tree_of(server.root)


def test_a_large_part_is_continued(server: HostileServer, target: Path) -> None:
    content = (server.root / LARGE).read_bytes()
    (target / f"{LARGE}.part").write_bytes(content[: 2 * CONTINUE_FROM])
    outcome = download(server, target)
    assert tree_of(target) == tree_of(server.root)
    assert server.seen["range", LARGE] == 1
    assert outcome.n_bytes == sum(len(content) for content in tree_of(server.root).values()) - (
        2 * CONTINUE_FROM + (server.root / LIST_NAME).stat().st_size
    )


def test_a_lost_connection_continues_where_it_was(server: HostileServer, target: Path) -> None:
    server.faults[LARGE] = ["truncate"]
    download(server, target)
    assert tree_of(target) == tree_of(server.root)
    assert server.seen["range", LARGE] == 1


def test_a_server_without_ranges_starts_again(server: HostileServer, target: Path) -> None:
    server.ranges = False
    (target / f"{LARGE}.part").write_bytes(b"x" * 2 * CONTINUE_FROM)
    download(server, target)
    assert tree_of(target) == tree_of(server.root)
    assert server.seen["GET", LARGE] == 1


@pytest.mark.parametrize("size", [2 * CONTINUE_FROM, 3 * CONTINUE_FROM, 4 * CONTINUE_FROM])
def test_a_part_of_other_bytes_is_thrown_away(server: HostileServer, target: Path, size: int) -> None:
    (target / f"{LARGE}.part").write_bytes(b"x" * size)
    download(server, target)
    assert tree_of(target) == tree_of(server.root)


def test_a_complete_part_needs_no_request(server: HostileServer, target: Path) -> None:
    (target / f"{LARGE}.part").write_bytes((server.root / LARGE).read_bytes())
    download(server, target)
    assert tree_of(target) == tree_of(server.root)
    assert server.seen["GET", LARGE] == 0


def test_an_answer_that_stops_is_given_up(server: HostileServer, target: Path) -> None:
    server.pause_s = 0.5
    server.always[SMALL[0]] = "slow"
    site = Site(server.url, Connection(n_parallel=2, n_attempts=2, pause_s=0, timeout_s=0.1))
    outcome = mirror(site, target, fetch_list(site, target), lambda path: True)
    assert [(path, problem) for path, _, problem in outcome.problems] == [
        (SMALL[0], "connection lost (ReadTimeoutError), after 2 attempts")
    ]


def test_only_what_is_wanted_is_fetched(server: HostileServer, target: Path) -> None:
    site = site_of(server)
    outcome = mirror(site, target, fetch_list(site, target), lambda path: path in SMALL[:2])
    assert outcome.n_wanted == outcome.n_fetched == 2
    assert set(tree_of(target)) == {LIST_NAME, *SMALL[:2]}


def test_a_list_that_grew_is_noticed(server: HostileServer, target: Path) -> None:
    download(server, target)
    (server.root / "files/new.dat").write_bytes(b"new")
    write_list(server.root)
    assert download(server, target).n_fetched == 1
    assert tree_of(target) == tree_of(server.root)


def test_a_server_without_head_sends_the_list_each_time(server: HostileServer, target: Path) -> None:
    server.heads = False
    for _ in range(2):
        assert download(server, target).problems == []
    assert tree_of(target) == tree_of(server.root)
    assert server.seen["GET", LIST_NAME] == 2


def test_a_damaged_list_is_fetched_again(server: HostileServer, target: Path) -> None:
    download(server, target)
    os.truncate(target / LIST_NAME, 200)
    download(server, target)
    assert tree_of(target) == tree_of(server.root)


@pytest.mark.parametrize("place", [10, 80], ids=["in a digest", "in a path"])
def test_a_list_with_a_wrong_byte_mends_itself(server: HostileServer, target: Path, place: int) -> None:
    file = fetch_list(site_of(server), target)
    before, content = file.stat(), bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    os.utime(file, (before.st_atime, before.st_mtime))
    assert len(download(server, target, n_attempts=2).problems) == 1
    assert download(server, target).problems == []
    assert {name for name in tree_of(target) if not name.endswith(".part")} == set(tree_of(server.root))


def test_a_list_without_length_is_refused(server: HostileServer, target: Path) -> None:
    server.always[LIST_NAME] = "close"
    with pytest.raises(DataError, match="does not tell its length"):
        download(server, target)
    assert not (target / LIST_NAME).exists()


def test_a_page_in_place_of_the_list_is_refused(server: HostileServer, target: Path) -> None:
    (server.root / LIST_NAME).write_text("<html>Please log in</html>\n")
    with pytest.raises(DataError, match=r"line 1 of .* is no sha256 and path"):
        download(server, target)
    assert not (target / LIST_NAME).exists()


def test_no_list_at_the_address_is_one_sentence(server: HostileServer, target: Path) -> None:
    (server.root / LIST_NAME).unlink()
    with pytest.raises(DataError, match=r"cannot be had \(HTTP status 404\); see whether url"):
        download(server, target)


def test_a_server_that_is_away_ends_the_download(source: Path, target: Path) -> None:
    with serve(source) as server:
        site = site_of(server, n_attempts=2)
        file = fetch_list(site, target)
    with pytest.raises(DataError, match=r"cannot be reached \(NewConnectionError\); give the same command again"):
        mirror(site, target, file, lambda path: True)


def test_so_many_failures_that_the_address_must_be_wrong(
    server: HostileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "MOST_PROBLEMS", 3)
    for name in NAMES:
        (server.root / name).unlink()
    with pytest.raises(DataError, match=r"3 files cannot be had, the last .*HTTP status 404"):
        download(server, target)


def test_an_error_here_stops_the_threads(server: HostileServer, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.always = dict.fromkeys(SMALL, "500")
    site = Site(server.url, Connection(n_parallel=4, n_attempts=5, pause_s=60, timeout_s=5))
    file = fetch_list(site, target)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch_module, "_write", full)
    with pytest.raises(OSError, match="No space"):
        mirror(site, target, file, lambda path: True)
    assert site.stopped.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_the_proxy_of_the_environment_is_used(
    server: HostileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "")
    site = Site("http://no-such-host.invalid/tree", Connection(n_parallel=2, n_attempts=2, pause_s=0, timeout_s=5))
    mirror(site, target, fetch_list(site, target), lambda path: True)
    assert tree_of(target) == tree_of(server.root)


@pytest.mark.parametrize("url", ["ftp://host/tree", "physionet.org/files", "http://", ""])
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(ConfigError, match="give a folder's address"):
        Site(url, Connection(n_parallel=1, n_attempts=1, pause_s=0, timeout_s=1))
