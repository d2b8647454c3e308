"""Synthetic patients, written to disk exactly like MIMIC-IV-ECG 1.0, with the truth beside them."""
