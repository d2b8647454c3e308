"""Silence on what Lightning and torch advise of and cannot know: a context around the work, nothing global."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("lightning.pytorch", "lightning.fabric")  # devices, tips, advertisement
_WARNINGS = (
    r".*Checkpoint directory .* exists and is not empty",  # so it is on a resume
    r".*isinstance\(treespec, LeafSpec\).*",  # Lightning 2.6 with the pytree of torch 2.13: only Lightning can mend it
    r"`broadcast_buffers` is deprecated",  # by a name that torch 2.9 lacks
    # Every process logs the same numbers, of all records: there is nothing to take a mean of.
    r"It is recommended to use `self.log\(.*sync_dist=True\)`",
    # A run without text has no findings, and so a head without outputs.
    r"Initializing zero-element tensors is a no-op",
)


@contextmanager
def without_advice() -> Iterator[None]:
    """Keep to warnings that a user can do something about."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        for message in _WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
