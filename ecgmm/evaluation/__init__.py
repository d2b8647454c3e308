"""Honest numbers: metrics, patient bootstrap, thresholds, and what goes into metrics.json."""
