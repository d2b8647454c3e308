"""Where the configuration lies: the checkout's ``conf/`` if there is one, else the copy inside the installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

CONF_DIR: Path = _PACKAGE.parent / "conf" if (_PACKAGE.parent / "conf").is_dir() else _PACKAGE / "conf"
"""Folder with ``train.yaml``, ``prepare.yaml`` and the groups."""


def options(group: str) -> list[str]:
    """Choices of a group of ``conf/``; files whose names begin with ``_`` hold what others share."""
    return sorted(path.stem for path in (CONF_DIR / group).glob("*.yaml") if not path.stem.startswith("_"))
