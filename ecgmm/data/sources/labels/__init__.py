"""Label sets: what the classes are and who says so."""
