"""Training of one run: settings to objects, stages, predictions."""
