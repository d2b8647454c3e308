"""From raw trees to a store, and from a store to batches: sources, label sets, splits, targets."""
