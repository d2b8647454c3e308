"""Mistakes that a user can mend. Each message is one sentence that names the file or value and ends with the cure."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PASSWORD = re.compile(r"(?<=://)[^\s/'\"]*@")
_LONGEST = 200


class UserError(ValueError):
    """Something outside the code is wrong (a path, a file, a setting); entry points print it and exit with code 2."""


class DataError(UserError):
    """A source tree or a store cannot be used as it stands."""


class ConfigError(UserError):
    """Settings are unknown, out of range or contradict each other."""


def printable(value: object, longest: int = _LONGEST) -> str:
    """Text of a value that comes from outside, for a message: no control characters, no password, and not without end.

    A name in a file may hold sequences that change a terminal's title, colours or the order of its letters; an address
    may hold a password.
    """
    text = _PASSWORD.sub("…@", str(value))
    text = _CONTROL.sub(lambda found: found.group().encode("unicode_escape", "surrogatepass").decode(), text)
    return text if len(text) <= longest else f"{text[:longest]}…"


def first_line(error: BaseException) -> str:
    """Kind and first line of an error that is reported and not raised, such as one of a library."""
    return printable(f"{type(error).__name__}: {error}".splitlines()[0])
