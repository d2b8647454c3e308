"""What is added to Lightning: processes, checkpoints, resumption, clocks."""
