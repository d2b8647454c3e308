"""All that knows a published tree: tables, waveform readers, label sets."""
