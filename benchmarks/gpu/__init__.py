"""What a GPU gives: ``python -m benchmarks.gpu``; one file for each question, each answered by ``measure``."""
