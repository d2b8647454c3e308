"""Parts that all entry points share: command line, sweeps, jobs side by side."""
