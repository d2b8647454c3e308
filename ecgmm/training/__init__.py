"""Training put together: task, run, run directory, saved model."""
