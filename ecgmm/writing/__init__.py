"""Reports that finished runs write from waveforms alone, measured against the cardiologists' and the carts' own."""
