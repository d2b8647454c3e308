"""Prediction by a saved model: of one record or of a list, with what speaks against each answer."""
