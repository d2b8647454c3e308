"""Figures of one run, for its page and for W&B."""
