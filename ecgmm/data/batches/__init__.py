"""From a store to a ``Batch``."""
