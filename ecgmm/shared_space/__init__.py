"""Finished runs of rows whose waveforms and words share a space: retrieval, and classes that no label taught."""
