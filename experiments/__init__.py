"""Collectors that turn run directories into tables and figures, without training."""
