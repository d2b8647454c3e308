"""PTB-XL's ``scp_codes``: text of a dictionary from SCP code to the annotators' likelihood."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ecgmm.data.sources.known_values import check_share, is_no_value
from ecgmm.data.sources.labels.definition import ReadLabels
from ecgmm.data.sources.labels.label_set import LabelSettings, weight_columns
from ecgmm.data.sources.labels.literals import parse_numbers
from ecgmm.data.store.store import EVIDENCE, Store

SCP_CODES, DIAGNOSTIC_CLASS = "scp_codes", "diagnostic_class"
"""Column of the evidence, and what the manifest tells of it: the superclass of each code, None where it has none."""
KINDS, SUBCLASS = ("diagnostic", "form", "rhythm"), "diagnostic_subclass"
"""Columns of ``scp_statements.csv``: which kinds of statement a code is, and the subclass of a diagnostic one."""
_HIGHEST = 100.0
CURE = "use the files as they were published"


def from_scp_codes(
    classes: Sequence[str], weights: Callable[[pl.Series, dict[str, Any]], Sequence[Mapping[str, float] | None]]
) -> Callable[[Store, LabelSettings], ReadLabels]:
    """Reader of SCP codes, which counts what it does not understand.

    Args:
        classes: The classes.
        weights: From the codes of records, and what the manifest tells of the evidence, to the weight of each class.
    """

    def read_store(store: Store, _: LabelSettings) -> ReadLabels:
        evidence, about = store.evidence(), store.manifest["evidence"]
        codes = evidence[SCP_CODES]
        labels = weight_columns(classes, weights(codes, about)).select(evidence["record"], *classes)
        return ReadLabels(labels, count_unreadable(store.path / EVIDENCE, codes, about[DIAGNOSTIC_CLASS]))

    return read_store


def count_unreadable(path: Path, scp_codes: pl.Series, known: Collection[str]) -> dict[str, int]:
    """Count what is not understood in the codes of records.

    Args:
        path: The table, for messages.
        scp_codes: One dictionary per record, as text.
        known: The codes that there are.

    Raises:
        DataError: If too much is not understood (``known_values.check_share``).
    """
    known = set(known)
    filled = scp_codes.filter(~is_no_value(scp_codes).fill_null(True))
    lists, unknown, likelihoods = Counter[str](), Counter[str](), Counter[str]()
    n_codes = 0
    for text, number in filled.value_counts().iter_rows():
        codes = parse_numbers(text)
        if codes is None:
            lists[text] += number
            continue
        n_codes += number * len(codes)
        for code, likelihood in codes.items():
            if _normal(code) not in known:
                unknown[code] += number
            elif _weight(likelihood) is None:
                likelihoods[str(likelihood)] += number
    for refused, total, what in (
        (lists, len(filled), f"values of column {SCP_CODES} are no dictionary of codes"),
        (unknown, n_codes, f"codes of column {SCP_CODES} are not in scp_statements.csv"),
        (likelihoods, n_codes, f"likelihoods of column {SCP_CODES} are not from 0 to 100"),
    ):
        check_share(path, what, refused.total(), total, next(iter(refused), ""), CURE)
    return {
        "records whose codes cannot be read": lists.total(),
        "unknown codes": unknown.total(),
        "likelihoods that are not from 0 to 100": likelihoods.total(),
    }


def weights_of_classes(scp_codes: pl.Series, class_of_code: Mapping[str, str]) -> list[dict[str, float] | None]:
    """Weight in (0, 1] of each class that the codes of a record belong to.

    Args:
        scp_codes: One dictionary per record, as text.
        class_of_code: Class of each code that counts.

    Returns:
        The largest weight of a class's codes; None for a record without any such code or with unreadable codes.
    """
    known = {text: _weights(text, class_of_code) for text in scp_codes.unique()}
    return [known[text] for text in scp_codes]


def _weights(text: str | None, class_of_code: Mapping[str, str]) -> dict[str, float] | None:
    weights: dict[str, float] = {}
    for code, likelihood in (parse_numbers(text or "") or {}).items():
        name, weight = class_of_code.get(_normal(code)), _weight(likelihood)
        if name and weight:
            weights[name] = max(weights.get(name, 0.0), weight)
    return weights or None


def _normal(code: str) -> str:
    return code.strip().upper()


def _weight(likelihood: float | None) -> float | None:
    """The likelihood over 100; 0 means present and not graded (PTB-XL's own description). None where it is none."""
    if likelihood is None or not 0 <= likelihood <= _HIGHEST:
        return None
    return likelihood / _HIGHEST or 1.0
