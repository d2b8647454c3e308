"""Encoders of reports: token ids and mask ``[B, N] -> [B, D]``."""
