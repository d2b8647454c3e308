"""Additions to Lightning: processes, checkpoints, resumption, records of epochs, profiles."""
