"""W&B: the run that training logs to, and the workspace that shows many runs."""
