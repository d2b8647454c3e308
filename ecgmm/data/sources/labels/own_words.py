"""The user's own words about classes: descriptions for prompts, and what masking hides."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ecgmm.data.sources.labels.own_cells import check_there
from ecgmm.data.sources.own_tables import read_own_table
from ecgmm.errors import DataError, printable

log = logging.getLogger(__name__)

_BETWEEN = "|"


class Words(NamedTuple):
    """Words about classes, see ``LabelSet``."""

    described: dict[str, tuple[str, ...]]
    phrases: tuple[str, ...]


def read_words(path: Path | None, known: Sequence[str], classes: Sequence[str]) -> Words:
    """Read ``labels.descriptions``.

    Args:
        path: The file, with the column ``class`` and ``description`` or ``mask`` or both; several rows may be of one
            class, and ``|`` stands between several texts of a cell. None for no words.
        known: Classes of the table of labels.
        classes: Those of them that are kept.

    Returns:
        The words of the kept classes; phrases of the others are hidden too.

    Raises:
        DataError: If a column is not there or a class is unknown.
    """
    if path is None:
        return Words({}, ())
    table = read_own_table(path)
    columns = table.frame.columns
    check_there(path, "labels.descriptions", ["class"], columns, "columns")
    if not {"description", "mask"} & set(columns):
        raise DataError(f"{printable(path)} has neither a column description nor a column mask; give it one or both")
    described: dict[str, list[str]] = {}
    masks: dict[str, list[str]] = {}
    for line, entry in zip(table.lines, table.frame.iter_rows(named=True), strict=True):
        name = entry["class"] or ""
        if name not in known:
            raise DataError(
                f"{printable(path)} line {line}: there is no class {printable(name, 60)!r}; the classes are"
                f" {printable(', '.join(known), 200)}"
            )
        described.setdefault(name, []).extend(_texts(entry.get("description")))
        masks.setdefault(name, []).extend(_texts(entry.get("mask")))
    bare = [name for name in classes if not masks.get(name)]
    if bare and any(masks.values()):
        log.warning(
            "%s hides nothing of class %s under text.policy=masked", printable(path), printable(", ".join(bare), 200)
        )
    kept = {name: tuple(texts) for name, texts in described.items() if texts and name in classes}
    return Words(kept, tuple(dict.fromkeys(text for texts in masks.values() for text in texts)))


def _texts(cell: str | None) -> list[str]:
    return [text for part in (cell or "").split(_BETWEEN) if (text := part.strip())]
