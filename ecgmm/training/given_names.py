"""Names of weights that a run began with: printed as a table, and kept in ``run.json``."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ecgmm.errors import printable
from ecgmm.models.weight_matching import Matching, shape_words

log = logging.getLogger(__name__)
_MOST_PRINTED = 40
_MOST_KEPT = 1000


def names_and_counts(matching: Matching, ours: Mapping[str, Tensor]) -> dict[str, Any]:
    """Fields of ``InitFacts`` that say what matched and what did not."""
    return {
        "prefix": kept_name(matching.prefix),
        "n_weights": _n_weights(matching, ours),
        "n_matched": len(matching.matched),
        "n_left_over": len(matching.left_over),
        "n_missing": len(matching.missing),
        "n_new": len(matching.new),
        "matched": _kept(list(matching.matched)),
        "left_over": _kept(matching.left_over),
        "missing": _kept(matching.missing),
        "new": _kept(matching.new),
    }


def kept_name(name: str) -> str:
    """A name from a file as it may stand in ``run.json``, which holds nothing that is looked up."""
    return printable(name).replace("${", "$ {")


def _kept(names: Sequence[str]) -> list[str]:
    return [kept_name(name) for name in names[:_MOST_KEPT]]


def _n_weights(matching: Matching, ours: Mapping[str, Tensor]) -> int:
    return sum(ours[name].numel() for name in matching.matched)


def say_names(source: Path, matching: Matching, ours: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Print what matched, was left over, is missing and stays new, with shapes.

    Args:
        source: Where the weights come from.
        matching: The names.
        ours: Weights of the method.
        given: Weights of the source.
    """
    for line in _table(source, matching, ours, given):
        log.info(line)
    if matching.missing:
        log.warning(
            "%d names of the method keep random weights, from %s on", len(matching.missing), matching.missing[0]
        )


def _table(source: Path, matching: Matching, ours: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Iterator[str]:
    n_names, n_weights = len(matching.matched), _n_weights(matching, ours)
    yield f"initial weights of {printable(source)}: {n_names} names, {n_weights:,} numbers"
    if matching.prefix or matching.place:
        off, put = printable(matching.prefix) or "nothing", matching.place or "nothing"
        yield f"  names were read with {off} taken off and {put} put before"
    sections = (
        ("matched", tuple(matching.matched), ours),
        ("left over in the source", matching.left_over, given),
        ("missing in the source, random here", matching.missing, ours),
        ("of other classes or findings, new here", matching.new, ours),
    )
    for words, names, tensors in sections:
        yield f"  {words}: {len(names)}"
        for name in names[:_MOST_PRINTED]:
            yield f"    {printable(name, 80):<60} {shape_words(tensors[name])}"
        if len(names) > _MOST_PRINTED:
            yield f"    ... and {len(names) - _MOST_PRINTED} more, which run.json names"
