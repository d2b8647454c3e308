"""W&B and what is shown there."""
