"""Context without advice and warnings of Lightning and torch that do not apply to our runs."""

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
    r"Found \d+ module\(s\) in eval mode at the start of training",  # what is frozen stays so
    # A run without text has no findings, and so a head without outputs.
    r"Initializing zero-element tensors is a no-op",
)


@contextmanager
def without_advice() -> Iterator[None]:
    """Suppress what a user can do nothing about."""
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
