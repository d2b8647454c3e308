"""Whatever a server sends, a download ends: with the tree of its list, or one sentence; and tells nobody a password."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from ecgmm.data.download import answers, checksum_list
from ecgmm.data.download import fetch as fetch_module
from ecgmm.data.download.address import Address, redirected, without_password
from ecgmm.data.download.checksum_list import LIST_NAME, check_list, read_list
from ecgmm.data.download.fetch import fetch_list
from ecgmm.data.download.mirror import Outcome, mirror
from ecgmm.data.download.problems import UnavailableError
from ecgmm.data.download.site import Connection, Site
from ecgmm.errors import ConfigError, DataError

Answer = Callable[["Handler"], None]
BODY = b"x" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
LIST = f"{DIGEST} a.dat\n".encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        try:
            self.server.answers.get(self.path.rpartition("/")[2], plain(BODY))(self)
        except (ConnectionError, ValueError):  # who asked went away
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, list_answer: Answer, file_answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {LIST_NAME: list_answer, "a.dat": file_answer}
        self.seen: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/tree"

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(list_answer: Answer | None = None, file_answer: Answer | None = None) -> Iterator[Server]:
    server = Server(list_answer or plain(LIST), file_answer or plain(BODY))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def plain(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def endless(head: bytes, piece: bytes, pause_s: float = 0.0) -> Answer:
    def answer(handler: Handler) -> None:
        handler.wfile.write(head)
        for _ in count():
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause_s)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
WITHOUT_END = {
    "a body in chunks": endless(CHUNKED, b"10000\r\n" + b"0" * 2**16 + b"\r\n"),
    "lines of a list in chunks": endless(CHUNKED, b"%x\r\n" % (1000 * len(LIST)) + LIST * 1000 + b"\r\n"),
    "the length of a chunk": endless(CHUNKED, b"0" * 2**16),
    "an extension of a chunk": endless(CHUNKED + b"5;", b"x" * 2**16),
    "lines behind the last chunk": endless(CHUNKED + b"0\r\n", b"A: b\r\n" * 1000),
    "a length of 10^15": endless(OK + b"Content-Length: 1000000000000000\r\n\r\n", b"0" * 2**16),
    "a negative length": endless(OK + b"Content-Length: -1\r\n\r\n", b"0" * 2**16),
    "a length of 5000 digits": endless(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"0" * 2**16),
    "lines of the head": endless(OK, b"A: b\r\n"),
    "one line of the head": endless(OK + b"A: ", b"0" * 2**16),
    "answers that say to go on": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a byte now and then": endless(OK + b"Content-Length: 1000000\r\n\r\n", b"0", 0.02),
    "a byte of the head now and then": endless(OK + b"A: ", b"0", 0.02),
    "the first line, slowly": endless(b"", b"H", 0.02),
    "no HTTP": endless(b"", b"\x00\xff" * 1000),
    "no byte at all": endless(b"", b"", 0.05),
    "redirects": plain(b"", 302, Location=LIST_NAME),
    "redirects of a long body": endless(OK.replace(b"200 OK", b"302 Found") + b"Location: a.dat\r\n\r\n", b"0" * 2**16),
    "busy for years": plain(b"", 503, Retry_After="1" + "0" * 4999),
    "busy until no date": plain(b"", 503, Retry_After="Mon, 99 Foo 99999"),
    "a status of another kind": plain(b"", 999),
}


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(answers, "MOST_UNTOLD_BYTES", 2**21)
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def site_of(url: str, timeout_s: float = 0.2) -> Site:
    return Site(url, Connection(n_parallel=2, n_attempts=2, pause_s=0, timeout_s=timeout_s))


def download(url: str, target: Path) -> Outcome:
    site = site_of(url)
    return mirror(site, target, fetch_list(site, target), lambda path: True)


@pytest.mark.parametrize("what", WITHOUT_END)
def test_a_list_without_end_ends(what: str, target: Path) -> None:
    start = time.monotonic()
    with (
        serving(list_answer=WITHOUT_END[what]) as server,
        pytest.raises(DataError, match=r"SHA256SUMS\.txt"),
    ):
        download(server.url, target)
    assert time.monotonic() - start < 10
    assert not (target / LIST_NAME).exists()
    assert sum(file.stat().st_size for file in target.iterdir()) < 2**20


@pytest.mark.parametrize("what", WITHOUT_END)
def test_a_file_without_end_is_told_and_goes_on_from_there_later(what: str, target: Path) -> None:
    start = time.monotonic()
    with serving(file_answer=WITHOUT_END[what]) as server:
        (problem,) = download(server.url, target).problems
        assert problem.path == "a.dat"
        assert time.monotonic() - start < 10
        assert sum(file.stat().st_size for file in target.iterdir()) < 2**20
        server.answers["a.dat"] = plain(BODY)
        assert download(server.url, target).problems == []
    assert (target / "a.dat").read_bytes() == BODY


def test_a_server_that_says_nothing_when_connected(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(DataError, match="ReadTimeoutError"):
        download(f"http://127.0.0.1:{deaf.getsockname()[1]}/tree", target)


def test_a_file_that_the_disk_cannot_hold_is_one_sentence(target: Path) -> None:
    large = endless(OK + b"Content-Length: 900000000000000\r\n\r\n", b"0" * 2**16)
    with serving(file_answer=large) as server, pytest.raises(DataError, match="a file has 900 TB, and the disk of"):
        download(server.url, target)


def test_a_list_longer_than_any_is_not_begun(target: Path) -> None:
    large = endless(OK + b"Content-Length: 3221225472\r\n\r\n", b"0" * 2**16)
    with serving(list_answer=large) as server, pytest.raises(DataError, match="it has 3,221,225,472 bytes"):
        download(server.url, target)


def test_a_list_that_comes_for_more_than_its_time_is_given_up(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "LONGEST_LIST_S", 0.3)
    slow = endless(CHUNKED, b"%x\r\n" % len(LIST) + LIST + b"\r\n", 0.01)
    with serving(list_answer=slow) as server, pytest.raises(DataError, match="not complete after"):
        download(server.url, target)


@pytest.mark.parametrize(
    "modified",
    ["Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "-1", "tomorrow", "9" * 5000, "\xff"],
)
def test_a_date_that_is_none_only_fetches_the_list_again(modified: str, target: Path) -> None:
    with serving(list_answer=plain(LIST, Last_Modified=modified)) as server:
        assert [download(server.url, target).n_fetched for _ in range(2)] == [1, 0]


# Names

NAMES_REFUSED = {
    "outside": [b"../x", b"/x", b"a/../../x", b"..", b".", b"a//b", b"a/./b", b"a/", b"..\\x", b"a\\b", b"a\x00b"],
    "as unfinished files do": [b"x.part", b"d/x.part", b"SHA256SUMS.txt.part"],
    "more than": [b"a" * 251, b"d/" + "\u00e9".encode() * 126, b"d/" * 511 + b"xyz", b"a" * 2000],
    "longer than any": [b"d/" * 5000 + b"x"],
    "is no sha256 and path": [b"", b" "],
}


@pytest.mark.parametrize(("words", "name"), [(words, name) for words, names in NAMES_REFUSED.items() for name in names])
def test_a_name_that_no_file_can_have_refuses_the_list(words: str, name: bytes, tmp_path: Path) -> None:
    words = "longer than any" if len(name) == 2000 else words
    (tmp_path / LIST_NAME).write_bytes(LIST + DIGEST.encode() + b"  " + name + b"\n")
    with pytest.raises(DataError, match=words):
        check_list(tmp_path / LIST_NAME)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "a"], "more than once"),
        (["A", "a"], "upper and lower case"),
        (["d/x", "D/X"], "upper and lower case"),
        (["\u00e9", "e\u0301"], "more than once"),
        (["sha256sums.TXT"], "more than once"),
        (["a", "a/b"], "a file and a folder of one name"),
        (["a/b", "a"], "a file and a folder of one name"),
        (["a/b/c/d", "x", "a/b"], "a file and a folder of one name"),
        (["A", "a/b"], "a file and a folder of one name"),
        (["SHA256SUMS.txt/x"], "a file and a folder of one name"),
    ],
)
def test_names_that_are_one_on_a_disk_refuse_the_list(names: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / LIST_NAME).write_text("".join(f"{DIGEST}  {name}\n" for name in names))
    with pytest.raises(DataError, match=words):
        check_list(tmp_path / LIST_NAME)


def test_a_list_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksum_list, "MOST_FILES", 10)
    (tmp_path / LIST_NAME).write_text("".join(f"{DIGEST}  {number}\n" for number in range(11)))
    with pytest.raises(DataError, match="lists more than 10 files"):
        check_list(tmp_path / LIST_NAME)


@pytest.mark.parametrize(
    "name",
    ["~/x", "C:/x", "con", "-rf", "=cmd", "a" * 250, "a\rb", "a\x1b[31mb", "%2e%2e/x", "files/a b#c?d", "a.part/b"],
)
def test_odd_names_are_files_below_the_root(name: str, target: Path) -> None:
    with serving(list_answer=plain(f"{DIGEST}  {name}\n".encode())) as server:
        assert download(server.url, target).problems == []
    assert (target / name).read_bytes() == BODY
    assert {path for path in target.rglob("*") if path.is_file()} == {target / LIST_NAME, target / name}


def test_lists_may_end_their_lines_as_windows_does(tmp_path: Path) -> None:
    (tmp_path / LIST_NAME).write_bytes(LIST.replace(b"\n", b"\r\n"))
    assert [listed.path for listed in read_list(tmp_path / LIST_NAME)] == ["a.dat"]


# What is in a file's place


def _folder(place: Path) -> None:
    place.mkdir()


def _link(place: Path) -> None:
    victim = place.parent.parent / "victim"
    victim.write_text("precious")
    place.symlink_to(victim)


def _dangling(place: Path) -> None:
    place.symlink_to(place.parent.parent / "elsewhere")


def _fifo(place: Path) -> None:
    import os

    os.mkfifo(place)


@pytest.mark.parametrize(
    ("name", "put"),
    [
        *((name, put) for name in ("a.dat", "a.dat.part") for put in (_folder, _link, _dangling, _fifo)),
        *((f"{LIST_NAME}.part", put) for put in (_link, _dangling, _fifo)),
    ],
)
def test_what_is_in_a_files_place_is_replaced_or_told_and_no_link_is_followed(
    name: str, put: Callable[[Path], None], target: Path
) -> None:
    put(target / name)
    with serving() as server:
        problems = download(server.url, target).problems
    assert bool(problems) == (put is _folder)
    if not problems:
        assert (target / "a.dat").read_bytes() == BODY
        assert not (target / "a.dat").is_symlink()
    assert not (target.parent / "elsewhere").exists()
    assert put is not _link or (target.parent / "victim").read_text() == "precious"


def test_a_file_where_a_folder_should_be_is_told(target: Path) -> None:
    (target / "d").write_text("a file")
    with serving(list_answer=plain(LIST.replace(b"a.dat", b"d/a.dat"))) as server:
        (problem,) = download(server.url, target).problems
    assert problem.problem is not None
    assert "cannot be written here" in problem.problem


# Addresses and passwords

SECRET = "s3cret"


def test_a_password_goes_to_its_host_only(target: Path) -> None:
    with serving() as other, serving(file_answer=plain(b"", 302, Location=f"{other.url}/a.dat")) as server:
        with_name = server.url.replace("//", f"//ali%40ce:{SECRET}@")
        assert download(with_name, target).problems == []
        expected = "Basic " + base64.b64encode(f"ali@ce:{SECRET}".encode()).decode()
        assert {header for _, header in server.seen} == {expected}
        assert {header for _, header in other.seen} == {None}
        site = site_of(with_name)
    assert SECRET not in site.shown
    assert not [file for file in target.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
    with pytest.raises(DataError, match="cannot be reached") as raised:
        fetch_list(site, target.parent)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://alice:{SECRET}@host/tree",
        f"alice:{SECRET}@host/tree",
        f"http://alice:{SECRET}@host:port/tree",
        f"http://alice:{SECRET}@host:99999/tree",
        f"http://alice:{SECRET}/more@host/tree",
        f"http://alice:{SECRET}@[::1/tree",
        f"http://alice:{SECRET}@/tree",
        f"http://host/tree?token={SECRET}",
        f"http://host/tree#{SECRET}",
    ],
)
def test_a_refused_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="give a folder's address") as raised:
        Address.parse(url)
    assert SECRET not in str(raised.value)
    assert SECRET not in without_password(url)


def test_the_password_of_a_proxy_is_sent_and_not_shown(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", f"http://bob:{SECRET}@127.0.0.1:9")
    with pytest.raises(DataError, match=r"cannot be reached \(ProxyError\)") as raised:
        download("http://no-such-host.invalid/tree", target)
    assert SECRET not in str(raised.value)
    monkeypatch.setenv("http_proxy", f"socks5://bob:{SECRET}@127.0.0.1:9")
    with pytest.raises(ConfigError, match="http_proxy names no proxy that can be used") as refused:
        site_of("http://no-such-host.invalid/tree")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "location", "followed"),
    [
        ("http://host/a", "/b", "http://host/b"),
        ("http://host/a", "https://other/b", "https://other/b"),
        ("http://host/a", f"http://bob:{SECRET}@other/b#c", "http://other/b"),
        ("https://host/a", "b", "https://host/b"),
        ("https://host/a", "http://host/b", None),
        ("http://host/a", "file:///etc/hostname", None),
        ("http://host/a", "ftp://host/b", None),
        ("http://host/a", "data:text/plain,x", None),
        ("http://host/a", "javascript:alert(1)", None),
        ("http://host/a", "http://[::1/b", None),
        ("http://host/a", "http:\\\\other/b", None),
    ],
)
def test_redirects_lead_to_http_and_never_to_less_secure(address: str, location: str, followed: str | None) -> None:
    if followed is None:
        with pytest.raises(UnavailableError, match="not followed"):
            redirected(address, location)
    else:
        assert redirected(address, location) == followed
