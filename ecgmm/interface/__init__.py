"""The front door: what ``import ecgmm`` offers to a script or notebook, over the same code as the commands."""
