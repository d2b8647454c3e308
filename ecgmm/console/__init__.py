"""Output on a terminal, and the end of a command."""
