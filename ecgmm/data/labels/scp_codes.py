"""PTB-XL's ``scp_codes``: text of a dictionary from SCP code to the annotators' likelihood."""

import ast
from collections.abc import Mapping

import polars as pl

UNREADABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What ``ast.literal_eval`` raises for text that is no literal. Nothing in a file is ever run."""


def weights_of_classes(scp_codes: pl.Series, class_of_code: Mapping[str, str]) -> list[dict[str, float] | None]:
    """Weight in (0, 1] of each class that the codes of a record belong to.

    Args:
        scp_codes: One dictionary a record, as text.
        class_of_code: Class of each code that counts.

    Returns:
        The largest weight of a class's codes; None for a record without any such code or with unreadable codes.
    """
    known = {text: _weights(text, class_of_code) for text in scp_codes.unique()}
    return [known[text] for text in scp_codes]


def _weights(text: str | None, class_of_code: Mapping[str, str]) -> dict[str, float] | None:
    weights: dict[str, float] = {}
    for code, weight in _codes(text).items():
        if name := class_of_code.get(code):
            weights[name] = max(weights.get(name, 0.0), weight)
    return weights or None


def _codes(text: str | None) -> dict[str, float]:
    """Weight of each code: its likelihood over 100; 0 means present and not graded (PTB-XL's own description)."""
    try:
        graded = {str(code): float(likelihood) for code, likelihood in dict(ast.literal_eval(text or "{}")).items()}
    except UNREADABLE:
        return {}
    return {code: min(likelihood / 100, 1.0) if likelihood > 0 else 1.0 for code, likelihood in graded.items()}
