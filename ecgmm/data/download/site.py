"""A tree behind an HTTP address: requests, and how often and how long they are tried."""

import logging
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError

from ecgmm.data.download.address import Address, basic_authorization, redirected
from ecgmm.data.download.answers import told_bytes, with_paced_answers
from ecgmm.data.download.problems import OutOfRangeError, StoppedError, TransientError, UnavailableError
from ecgmm.errors import ConfigError, DataError
from ecgmm.version import __version__

Result = TypeVar("Result")

_LONGEST_PAUSE_S = 60.0
_LONGEST_ASKED = 4
"""A server may ask for a pause of so many ``timeout_s``: four minutes by default. One that asks for years is broken."""
_CONNECT_S = 15.0
_MOST_REDIRECTS = 5
_MOST_DRAINED_BYTES = 2**16
"""The words beside a status are read up to here, so that the connection can be used again; beyond it is closed."""
# 501 and 505 say that the server cannot do it at all; the other 5xx, and these of the client's, pass.
_PASSING = ({408, 425, 429} | set(range(500, 600))) - {501, 505}
_NOT_REACHED = (NewConnectionError, ConnectTimeoutError, ProxyError, SSLError)
_HEADERS = {"User-Agent": f"ecgmm/{__version__}", "Accept-Encoding": "identity"}  # checksums are of the plain bytes


@dataclass(kw_only=True)
class Connection:
    """Settings of the requests.

    Attributes:
        n_parallel: Connections at a time.
        n_attempts: Attempts for each file.
        pause_s: Seconds before the second attempt; doubled each time, up to a minute.
        timeout_s: An answer that stops for so many seconds, or brings less than 1 kB a second on the average of so
            many, counts as lost.
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
    """Published tree at ``url``; safe to use from several threads.

    Args:
        url: Address of the folder that holds ``SHA256SUMS.txt``.
        connection: See ``Connection``.

    Attributes:
        shown: The address for messages, without name and password.
        stopped: Set it, and threads that wait or write end with ``StoppedError``.

    Raises:
        ConfigError: If ``url`` is no HTTP address of a folder, or the environment's proxy none.
    """

    def __init__(self, url: str, connection: Connection) -> None:
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings show what the server wrote
        self._address = Address.parse(url)
        self.shown = self._address.shown
        self.connection = connection
        self.stopped = threading.Event()
        self._pool = with_paced_answers(_pool(self._address.url, connection))

    def headers_of(self, path: str) -> HTTPHeaderDict:
        """Ask the server about a file of the tree; raises as ``get``."""
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
        response = self._follow(method, self._address.of_file(path), _HEADERS | headers)
        if response.status in (200, 206):
            return response
        _let_go(response)
        if response.status == 416:
            raise OutOfRangeError("HTTP status 416")
        if response.status in _PASSING:
            raise TransientError(f"HTTP status {response.status}", self._asked_s(response.headers))
        raise UnavailableError(f"HTTP status {response.status}")

    def _follow(self, method: str, address: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """The first answer that is no redirect; name and password go to the given server only."""
        for _ in range(_MOST_REDIRECTS + 1):
            allowed = headers | self._address.headers_for(address)
            response = self._pool.request(
                method, address, headers=allowed, preload_content=False, retries=False, redirect=False
            )
            location = response.get_redirect_location()
            if not location:
                return response
            _let_go(response)
            address = redirected(address, location)
        raise UnavailableError(f"the server sends us on more than {_MOST_REDIRECTS} times")

    def _asked_s(self, headers: HTTPHeaderDict) -> float | None:
        """Seconds that the server asks to wait, up to a bound; None where it names no number of seconds."""
        asked = headers.get("Retry-After", "")
        longest_s = _LONGEST_ASKED * self.connection.timeout_s
        return min(float(asked), longest_s) if re.fullmatch(r"[0-9]{1,300}", asked) else None

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
        if isinstance(last, _NOT_REACHED):
            raise DataError(
                f"{self.shown} cannot be reached ({type(last).__name__}); give the same command again when it can,"
                " it goes on"
            )
        raise UnavailableError(f"{_in_words(last)}, after {self.connection.n_attempts} attempts")

    def _pause(self, number: int, asked_s: float | None) -> None:
        backoff_s = min(self.connection.pause_s * 2 ** (number - 1), _LONGEST_PAUSE_S)
        backoff_s *= random.uniform(0.5, 1.5)  # noqa: S311 (so that threads do not all come back at once)
        if self.stopped.wait(backoff_s if asked_s is None else asked_s):
            raise StoppedError


def _pool(url: str, connection: Connection) -> urllib3.PoolManager:
    """Connections that are kept open, through the proxy that the environment names, if it does."""
    parts = urlsplit(url)
    timeout = urllib3.Timeout(connect=_CONNECT_S, read=connection.timeout_s)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    if proxy is None:
        return urllib3.PoolManager(maxsize=connection.n_parallel, timeout=timeout)
    given, _, host = proxy.rpartition("//")[2].rpartition("@")
    scheme = proxy.partition("://")[0] if "://" in proxy else "http"
    try:
        return urllib3.ProxyManager(
            f"{scheme}://{host}",
            maxsize=connection.n_parallel,
            timeout=timeout,
            proxy_headers=basic_authorization(given, "Proxy-Authorization"),
        )
    except (ValueError, AssertionError, HTTPError):
        raise ConfigError(
            f"{parts.scheme}_proxy names no proxy that can be used; set it to http://host:port, or unset it"
        ) from None


def _let_go(response: urllib3.BaseHTTPResponse) -> None:
    """Make the connection free for the next request; one whose answer is long is not worth it."""
    told = told_bytes(response.headers)
    if told is not None and told <= _MOST_DRAINED_BYTES:
        response.drain_conn()
    else:
        response.close()


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, UnavailableError) else f"connection lost ({type(error).__name__})"
