"""Encoders of waveforms: float ``[B, 12, T] -> [B, D]``."""
