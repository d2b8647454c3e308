"""Answers that end: each brings bytes at a least rate, and no more of them than it told or than is reasonable.

``http.client`` waits for each byte alone, reads lines of any length where a body comes in chunks, and skips answers
"100 Continue" for ever; a server that means harm, or is broken, would keep a thread busy without end.
"""

import http.client
import io
import re
import time
from http.client import HTTPMessage
from socket import socket
from typing import Any

import urllib3
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection

from ecgmm.data.download.problems import UnavailableError

LEAST_BYTES_S = 1000
"""Bytes a second that an answer brings at least; slower than that the 96 GB of MIMIC-IV-ECG would take years."""
MOST_HEADER_BYTES = 2**18
"""Largest head of an answer; servers themselves refuse heads above 8 to 64 KiB."""
MOST_UNTOLD_BYTES = 2**30
"""Largest body whose length is not told; the largest file of the known trees has a fifth of it."""
_LONGEST_LINE = 2**16
_LARGEST_TOLD = 10**15  # a thousand times the largest disk; a length above it is no length


def told_bytes(headers: HTTPMessage | HTTPHeaderDict) -> int | None:
    """Length of a body as its head tells it, None where it tells none that can be meant."""
    told = headers.get("Content-Length", "")
    length = int(told) if re.fullmatch(r"[0-9]{1,16}", told) else _LARGEST_TOLD
    return length if length < _LARGEST_TOLD else None


class _PacedInput(io.RawIOBase):
    """Input of the bytes of one answer.

    Args:
        raw: Where they come from.
        window_s: In each so many seconds of waiting the least rate must be met.
    """

    def __init__(self, raw: io.RawIOBase, window_s: float) -> None:
        self._raw, self._window_s = raw, window_s
        self._waited_s, self._n_bytes = 0.0, 0
        self.n_left = MOST_HEADER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.n_left <= 0:
            raise UnavailableError("the server's answer has no end")
        start = time.monotonic()
        n_bytes = self._raw.readinto(buffer)  # waits for window_s at most
        self._waited_s += time.monotonic() - start
        self._n_bytes += n_bytes or 0
        self.n_left -= n_bytes or 0
        if n_bytes and self._waited_s >= self._window_s:
            if self._n_bytes < LEAST_BYTES_S * self._waited_s:
                raise TimeoutError(f"less than {LEAST_BYTES_S} bytes a second")
            self._waited_s, self._n_bytes = 0.0, 0
        return n_bytes

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader(io.BufferedReader):
    """Reads no line without end; one that is cut is no length of a chunk and no header, and is refused as such."""

    def readline(self, size: int | None = -1) -> bytes:
        return super().readline(size if size is not None and 0 <= size <= _LONGEST_LINE else _LONGEST_LINE + 1)


class _PacedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        window_s = sock.gettimeout()
        assert window_s is not None  # every request has a timeout
        self._input = _PacedInput(self.fp.detach(), window_s)
        self.fp = _Reader(self._input)

    def begin(self) -> None:
        super().begin()
        told = told_bytes(self.headers)
        self._input.n_left = MOST_UNTOLD_BYTES if self.chunked or told is None else told


class _Connection(HTTPConnection):
    response_class = _PacedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _PacedResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def with_paced_answers(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Let a pool's connections read answers as above."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager
