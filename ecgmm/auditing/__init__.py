"""The audit: how much of a result on a store and a label set would be leakage (docs/understand/leakage.md)."""
