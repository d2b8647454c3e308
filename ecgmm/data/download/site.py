"""A tree behind an HTTP address: requests, and how often and how long they are tried."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, ProxyError, SSLError

from ecgmm import __version__
from ecgmm.errors import ConfigError, DataError

Result = TypeVar("Result")

_LONGEST_PAUSE_S = 60.0
_LONGEST_ASKED_S = 600.0
_CONNECT_S = 15.0
# 501 and 505 say that the server cannot do it at all; the other 5xx, and these of the client's, pass.
_PASSING = ({408, 425, 429} | set(range(500, 600))) - {501, 505}
_NOT_REACHED = (NewConnectionError, ConnectTimeoutError, ProxyError, SSLError)
_HEADERS = {"User-Agent": f"ecgmm/{__version__}", "Accept-Encoding": "identity"}  # checksums are of the plain bytes
# Redirects are followed by urllib3; everything else is tried again here, together with what goes wrong in the body.
_REDIRECTS = urllib3.Retry(total=None, redirect=5, connect=0, read=0, status=0, other=0)


class UnavailableError(Exception):
    """A file cannot be had; the text says why."""


class TransientError(UnavailableError):
    """An attempt failed in a way that another one may mend.

    Attributes:
        pause_s: Seconds that the server asks to wait, None where it does not.
    """

    def __init__(self, reason: str, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class OutOfRangeError(TransientError):
    """The rest of a file was asked for, and the file is not that long."""


class StoppedError(Exception):
    """The download ends; a thread that waits or writes lets go."""


@dataclass(kw_only=True)
class Connection:
    """How requests are made.

    Attributes:
        n_parallel: Connections at a time.
        n_attempts: Attempts for each file.
        pause_s: Seconds before the second attempt; doubled each time, up to a minute.
        timeout_s: An answer that stops for so many seconds counts as lost.
    """

    n_parallel: int
    n_attempts: int
    pause_s: float
    timeout_s: float

    def __post_init__(self) -> None:
        if self.n_parallel < 1 or self.n_attempts < 1:
            raise ConfigError("connection.n_parallel and connection.n_attempts must be 1 or more")
        if self.pause_s < 0 or self.timeout_s <= 0:
            raise ConfigError("connection.pause_s must be 0 or more and connection.timeout_s above 0 seconds")


class Site:
    """The tree at ``url``; safe to use from several threads.

    Args:
        url: Address of the folder that holds ``SHA256SUMS.txt``.
        connection: See ``Connection``.

    Attributes:
        stopped: Set it, and threads that wait or write end with ``StoppedError``.

    Raises:
        ConfigError: If ``url`` is no HTTP address.
    """

    def __init__(self, url: str, connection: Connection) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"url is {url!r}; give a folder's address, as in url=https://example.org/mimic-iv-ecg/1.0"
            )
        self.url = url.rstrip("/")
        self.connection = connection
        self.stopped = threading.Event()
        self._pool = _pool(parts.scheme, parts.hostname, connection)

    def headers_of(self, path: str) -> HTTPHeaderDict:
        """What the server says of a file of the tree; raises as ``get``."""
        response = self._request("HEAD", path, {})
        response.drain_conn()
        return response.headers

    def get(self, path: str, n_begun: int = 0) -> urllib3.BaseHTTPResponse:
        """Ask for a file of the tree; its body is still to be read.

        Args:
            path: Path in the tree.
            n_begun: Bytes at the beginning that are not needed. The server may send them all the same; the status is
                206 if it does not.

        Raises:
            OutOfRangeError: If the file is no longer than ``n_begun``.
            TransientError: If the answer's status says that the trouble may pass.
            UnavailableError: If its status is another one that is no success.
        """
        return self._request("GET", path, {"Range": f"bytes={n_begun}-"} if n_begun else {})

    def _request(self, method: str, path: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        address = f"{self.url}/{quote(path, errors='surrogateescape')}"
        response = self._pool.request(
            method, address, headers=_HEADERS | headers, preload_content=False, retries=_REDIRECTS
        )
        if response.status in (200, 206):
            return response
        response.drain_conn()  # the connection can be used again
        if response.status == 416:
            raise OutOfRangeError("HTTP status 416")
        if response.status in _PASSING:
            raise TransientError(f"HTTP status {response.status}", _REDIRECTS.get_retry_after(response))
        raise UnavailableError(f"HTTP status {response.status}")

    def persist(self, attempt: Callable[[], Result]) -> Result:
        """Try until it works or the attempts are used up.

        Args:
            attempt: One attempt; raises ``TransientError`` or an error of urllib3 where another one may help.

        Raises:
            UnavailableError: If the file cannot be had.
            DataError: If the server cannot be reached at all.
        """
        for number in range(1, self.connection.n_attempts + 1):
            try:
                return attempt()
            except (TransientError, HTTPError) as error:
                last: Exception = error
            if number < self.connection.n_attempts:
                self._pause(number, last.pause_s if isinstance(last, TransientError) else None)
        if isinstance(last, MaxRetryError) and isinstance(last.reason, _NOT_REACHED):
            reason = type(last.reason).__name__
            raise DataError(
                f"{self.url} cannot be reached ({reason}); give the same command again when it can, it goes on"
            )
        raise UnavailableError(f"{_in_words(last)}, after {self.connection.n_attempts} attempts")

    def _pause(self, number: int, asked_s: float | None) -> None:
        backoff_s = min(self.connection.pause_s * 2 ** (number - 1), _LONGEST_PAUSE_S)
        backoff_s *= random.uniform(0.5, 1.5)  # noqa: S311 (so that threads do not all come back at once)
        if self.stopped.wait(backoff_s if asked_s is None else min(asked_s, _LONGEST_ASKED_S)):
            raise StoppedError


def _pool(scheme: str, host: str, connection: Connection) -> urllib3.PoolManager:
    """Connections that are kept open, through the proxy that the environment names, if it does."""
    timeout = urllib3.Timeout(connect=_CONNECT_S, read=connection.timeout_s)
    proxy = None if proxy_bypass(host) else getproxies().get(scheme)
    if proxy is None:
        return urllib3.PoolManager(maxsize=connection.n_parallel, timeout=timeout)
    return urllib3.ProxyManager(proxy, maxsize=connection.n_parallel, timeout=timeout)


def _in_words(error: Exception) -> str:
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    return str(cause) if isinstance(cause, UnavailableError) else f"connection lost ({type(cause).__name__})"
