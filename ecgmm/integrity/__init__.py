"""The integrity report: what became of every record of a source, and what the recordings that were kept are like."""
