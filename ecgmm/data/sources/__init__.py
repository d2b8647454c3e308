"""Published trees of recordings: their tables, waveform readers and labels. A new data set touches this room only."""
