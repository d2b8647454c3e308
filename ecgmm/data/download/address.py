"""Addresses: the one that the user gave, with its password apart, and those that a server may send us to."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import LocationParseError

from ecgmm.data.download.problems import UnavailableError
from ecgmm.errors import ConfigError, printable


@dataclass(frozen=True)
class Address:
    """Address of the folder that holds ``SHA256SUMS.txt``.

    Attributes:
        url: Without name and password, without a slash at the end.
        shown: The same for messages.
        authorization: Header that carries name and password, to this host only; empty where none were given.
    """

    url: str
    shown: str
    authorization: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take the address that a user gave apart.

        Raises:
            ConfigError: If it is no HTTP address of a folder. The message has no name and password in it.
        """
        parts = _split(url)
        if parts is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
            raise ConfigError(
                f"url is {without_password(url)!r}; give a folder's address, as in"
                " url=https://example.org/mimic-iv-ecg/1.0"
            )
        given, _, host = parts.netloc.rpartition("@")
        plain = f"{parts.scheme}://{host}{parts.path}".rstrip("/")
        return cls(plain, without_password(plain), basic_authorization(given))

    def of_file(self, path: str) -> str:
        """Address of a file of the tree."""
        return f"{self.url}/{quote(path, errors='surrogateescape')}"

    def headers_for(self, address: str) -> dict[str, str]:
        """Name and password where the address is one of the same server, nothing elsewhere."""
        return self.authorization if _server(urlsplit(address)) == _server(urlsplit(self.url)) else {}


def redirected(address: str, location: str) -> str:
    """Address that an answer sends us to: another HTTP address, but never from an encrypted one to a plain one.

    Any host may be named, since the bytes that come must be those of the list. A name and password in it are dropped.

    Raises:
        UnavailableError: If it is an address of another kind.
    """
    target = None if "\\" in location else _split(location, address)
    allowed = {"https": ("https",), "http": ("http", "https")}[urlsplit(address).scheme]
    if target is None or target.scheme not in allowed:
        raise UnavailableError("the server sends us to an address that is not followed")
    return target._replace(netloc=target.netloc.rpartition("@")[2], fragment="").geturl()


def basic_authorization(given: str, header: str = "Authorization") -> dict[str, str]:
    """Header of a ``name:password`` as it stands in an address, percent-encoded; none where it is empty."""
    if not given:
        return {}
    name, _, password = given.partition(":")
    made = urllib3.make_headers(basic_auth=f"{unquote(name)}:{unquote(password)}".encode().decode("latin-1"))
    return {header: made["authorization"]}


def without_password(url: str) -> str:
    """An address for messages: all that stands before an ``@`` or after a ``?`` is left out, wherever it stands."""
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.\-]*://", url)
    kept = re.split(r"[?#]", url.rpartition("@")[2])[0]
    return printable(f"{scheme[0] if scheme else ''}…@{kept}" if "@" in url else kept)


def _split(url: str, base: str = "") -> SplitResult | None:
    """The parts of an address with a host, relative to another one if given; None if it is none."""
    try:
        parts = urlsplit(urljoin(base, url))
        parts.port  # noqa: B018 (raises if it is no number)
        urllib3.util.parse_url(parts.geturl())
    except (ValueError, LocationParseError):
        return None
    return parts if parts.hostname else None


def _server(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
