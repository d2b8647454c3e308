"""What ``run.json`` says of a small run."""

from typing import Any

from ecgmm.runs.facts import RunDescription, RunFacts

_DESCRIPTION: dict[str, Any] = {
    "schema_version": 2,
    "config_digest": "abc",
    "method": "concat",
    "inputs_at_test": ["ecg", "text"],
    "reference": "control",
    "fidelity": "control",
    "recipe": "quick",
    "seed": 42,
    "task": "single_label",
    "train_fraction": 1.0,
    "labels": {"name": "superclass", "source": "report", "classes": ["NORM", "MI"]},
    "text_policy": "masked",
    "leaky": False,
    "size": "tiny",
    "stages": "joint",
    "two_stages": False,
    "readouts": {},
    "data": {"name": "mimic_iv_ecg", "fingerprint": "ab12cd34ef56", "synthetic": False},
    "precision": "32-true",
    "n_parameters": 3,
    "n_trainable_parameters": 2,
}
_FINISHED: dict[str, Any] = {
    "commit": None,
    "versions": {"ecgmm": "0.2.0"},
    "hardware": {"machine": "x86_64", "cpu_cores": 2, "cpu_threads": 1, "gpu": None},
    "seconds_per_epoch": 1.5,
    "wall_time_s": 12.5,
    "peak_memory_mb": 700,
    "finished": True,
}


def described(**changed: Any) -> RunDescription:
    """A run that begins."""
    return RunDescription.model_validate(_DESCRIPTION | changed)


def done(**changed: Any) -> RunFacts:
    """The same run, finished."""
    return RunFacts.model_validate(_DESCRIPTION | _FINISHED | changed)
