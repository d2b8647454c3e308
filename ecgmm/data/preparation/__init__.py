"""From a published tree to a store."""
