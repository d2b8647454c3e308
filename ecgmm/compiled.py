"""Loops compiled by numba, for what numpy would need many passes over the memory for."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function, without Python's lock; kept on disk for the next process where a folder takes it."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    compile_: Callable[..., Any] = njit
    try:
        kept: _Function = compile_(cache=True, **options)(function)
    except RuntimeError:  # neither __pycache__ nor the home folder is writable: each process compiles anew
        kept = compile_(**options)(function)
    return kept
