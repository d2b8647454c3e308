"""Data: from raw trees to stores, label sets, targets and batches."""
