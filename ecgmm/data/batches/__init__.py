"""Batches of a store: data module, loader, targets, limits, places of waveforms."""
