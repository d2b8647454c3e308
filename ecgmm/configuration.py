"""Folder of the configuration: the one inside an installed wheel, or ``conf/`` of the checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

CONF_DIR: Path = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"
"""Folder with ``train.yaml``, ``prepare.yaml`` and the groups."""


def options(group: str) -> list[str]:
    """Choices of a group of ``conf/``; files whose names begin with ``_`` hold what others share."""
    return sorted(path.stem for path in (CONF_DIR / group).glob("*.yaml") if not path.stem.startswith("_"))
