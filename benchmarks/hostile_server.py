"""A local HTTP server of a folder that fails in every way that a download must bear."""

import hashlib
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ecgmm.data.download.checksum_list import LIST_NAME

FAULTS = ("drop", "truncate", "wrong", "500", "slow", "close")
"""Ends the connection without an answer; ends it in the middle of the body; changes a byte; status 500; sends in small
pieces with pauses; tells no length and ends the connection in the middle, which looks like a whole answer."""


class HostileServer(ThreadingHTTPServer):
    """Serves ``root`` below ``/tree/``; below ``/old/`` everything has moved there.

    Attributes:
        faults: By path in the tree, what goes wrong with the next GETs of it, in turn; a path of ``always`` never
            recovers.
        always: By path, a fault of every GET.
        share: Probability that a GET meets a random fault; the list, which no checksum guards, meets only those that
            can be noticed.
        ranges: Whether Range requests are honoured.
        lengths: Whether HEAD tells the length.
        heads: Whether HEAD is allowed at all.
        retry_after_s: What a 5xx answer asks to wait, None asks nothing.
        seen: Number of requests by method and path; of ranges as ``("range", path)``.
        n_connections: Number of connections so far.
        pause_s: Pause between the pieces of a slow answer.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, root: Path, seed: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.always: dict[str, str] = {}
        self.share = 0.0
        self.ranges = self.lengths = self.heads = True
        self.retry_after_s: int | None = None
        self.seen: Counter[tuple[str, str]] = Counter()
        self.n_connections = 0
        self.pause_s = 0.001
        self.lock = threading.Lock()
        self._rng = random.Random(seed)

    @property
    def url(self) -> str:
        """Address of the tree."""
        return f"http://127.0.0.1:{self.server_port}/tree"

    def fault_of(self, path: str) -> str:
        """What goes wrong this time, empty if nothing does."""
        with self.lock:
            if path in self.always:
                return self.always[path]
            if self.faults[path]:
                return self.faults[path].pop(0)
            fault = self._rng.choice(FAULTS) if self._rng.random() < self.share else ""
            return "" if path == LIST_NAME and fault in ("wrong", "close") else fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where the one who asked was killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def write_list(root: Path) -> None:
    """Write ``SHA256SUMS.txt`` of a folder as PhysioNet does, with one space."""
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names if name != LIST_NAME}
    (root / LIST_NAME).write_text("".join(f"{digest} {name}\n" for name, digest in digests.items()))


@contextmanager
def serve(root: Path, seed: int = 0) -> Iterator[HostileServer]:
    """Serve a folder from a thread as long as the context lasts."""
    server = HostileServer(root, seed)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HostileServer

    def setup(self) -> None:
        super().setup()
        self.server.n_connections += 1

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        path, content = self._look_up("HEAD")
        if content is None or not self.server.heads:
            self._answer(404 if content is None else 405, b"", {})
        else:
            headers = self._headers_of(path) | ({"Content-Length": str(len(content))} if self.server.lengths else {})
            self._answer(200, b"", headers)

    def do_GET(self) -> None:
        path, content = self._look_up("GET")
        fault = self.server.fault_of(path)
        if fault == "drop":
            self.close_connection = True
        elif self.path.startswith("/old/"):
            self._answer(301, b"", {"Content-Length": "0", "Location": self.path.replace("/old/", "/tree/", 1)})
        elif content is None or fault.isdigit():
            body = b"no such thing"
            asked = {} if self.server.retry_after_s is None else {"Retry-After": str(self.server.retry_after_s)}
            self._answer(int(fault or 404), body, {"Content-Length": str(len(body))} | asked)
        else:
            self._send(path, _wrong(content) if fault == "wrong" else content, fault)

    def _send(self, path: str, content: bytes, fault: str) -> None:
        start = self._range_start(path)
        headers, status = self._headers_of(path), 200
        if start is not None and start >= len(content):
            self._answer(416, b"", {"Content-Length": "0", "Content-Range": f"bytes */{len(content)}"})
            return
        if start is not None:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            status, content = 206, content[start:]
        if fault != "close":
            headers["Content-Length"] = str(len(content))
        if fault in ("close", "truncate"):
            content = content[: len(content) // 2]
            headers["Connection"] = "close"
            self.close_connection = True
        self._answer(status, content, headers, self.server.pause_s if fault == "slow" else 0)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], pause_s: float = 0) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status == 200 and "Content-Length" not in headers:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            size = max(1, len(body) // 20) if pause_s else max(1, len(body))
            for place in range(0, len(body), size):
                self.wfile.write(body[place : place + size])
                time.sleep(pause_s)
        except (BrokenPipeError, ConnectionResetError):  # who asked was killed
            self.close_connection = True

    def _look_up(self, method: str) -> tuple[str, bytes | None]:
        path = unquote(urlsplit(self.path).path).removeprefix("/tree/")
        with self.server.lock:
            self.server.seen[method, path] += 1
        file = self.server.root / path
        return path, file.read_bytes() if file.is_file() else None

    def _headers_of(self, path: str) -> dict[str, str]:
        return {"Last-Modified": formatdate((self.server.root / path).stat().st_mtime, usegmt=True)}

    def _range_start(self, path: str) -> int | None:
        asked = self.headers.get("Range")
        if asked is None or not self.server.ranges:
            return None
        with self.server.lock:
            self.server.seen["range", path] += 1
        return int(asked.removeprefix("bytes=").removesuffix("-"))


def _wrong(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
