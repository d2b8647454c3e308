"""Waveforms: from stored steps to what encoders see. Pure functions on arrays and tensors, no files."""
