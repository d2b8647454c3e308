"""Settings that paths come from, so that a message about a file names the setting that a user can change."""

from collections.abc import Iterator, Mapping
from pathlib import Path

_known: dict[str, Path] = {}


def remember(places: Mapping[str, str | Path]) -> None:
    """Know from now on which setting leads where, in place of what was known before.

    Args:
        places: Paths by the key of their setting.
    """
    _known.clear()
    _known.update({key: _absolute(path) for key, path in places.items()})


def setting_of(path: str | Path) -> str | None:
    """Return the key of the setting closest to a path (the path lies under it, or the reverse), or None."""
    place = _absolute(path)
    return max(_related(place), default=(False, 0, None))[2]


def _related(place: Path) -> Iterator[tuple[bool, int, str | None]]:
    for key, path in _known.items():
        inside = place.is_relative_to(path) or str(place).startswith(f"{path}.")  # or a file of ours beside a folder
        if inside or path.is_relative_to(place):
            yield inside, len(path.parts), key


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()
