"""Run directories, written and read here: settings, facts, metrics, predictions, checkpoints and saved model."""
