"""What all entry points share: the command line, sweeps, runs side by side."""
