"""The thing in the middle: waveforms, tables and manifest of a prepared data set, written and read."""
