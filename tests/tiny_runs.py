"""Settings of the front door for a run that is trained in a second."""

QUICK = {
    "recipe": "quick",
    "trainer__accelerator": "cpu",
    "trainer__max_epochs": 1,
    "trainer__enable_progress_bar": False,
    "ecg_encoder__channels": [8, 16],
    "ecg_encoder__dim": 16,
    "evaluation__n_resamples": 20,
}
