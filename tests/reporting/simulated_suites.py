"""Finished runs that have met the suite of disturbances, without predicting anything."""

from pathlib import Path

import numpy as np
import polars as pl

from ecgmm.runs.robustness import SuiteFacts, begin_suite
from ecgmm.runs.run import Run
from ecgmm.settings.disturbances import KINDS
from tests.reporting.simulated_runs import CLASSES, LABEL, N_TEST


def predictions(skill: float, seed: int) -> pl.DataFrame:
    """Predictions of the test records, the better the larger the skill."""
    noise = np.random.default_rng(seed).normal(size=(N_TEST, len(CLASSES)))
    score = skill * np.eye(len(CLASSES))[LABEL[:N_TEST]] + noise
    shares = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return pl.DataFrame(
        {
            "row": np.arange(N_TEST) + 1000,
            **{f"probability.{name}": shares[:, k].astype(np.float32) for k, name in enumerate(CLASSES)},
            "gate": pl.Series([0.25] * N_TEST, dtype=pl.Float32),
            "inconsistency": pl.Series(np.zeros(N_TEST), dtype=pl.Float32),
            "has_report": [True] * N_TEST,
        }
    )


def met(run: Path, seed: int, skills: dict[str, float], weakest: int = 3) -> Path:
    """A run that has met kinds from a strength on; ``skills`` says how well it does, by kind and for ``clean``."""
    facts = SuiteFacts(
        store="synthetic-1",
        fingerprint="ab",
        source="synthetic",
        synthetic=True,
        split="test",
        seed=0,
        classes=CLASSES,
        task="single_label",
        model=str(run),
        rows="cd",
        n_records=N_TEST,
        unmet={"mains": {f"{one:g}": "50 Hz is too much" for one in KINDS["mains"].strengths}},
    )
    suite = begin_suite(run, "synthetic-1-test", facts)
    of_the_record = Run.open(run).test.select("record", "patient", "window", "split", "label")
    suite.write("clean", pl.concat([of_the_record, predictions(skills["clean"], seed)], how="horizontal"))
    for kind in skills.keys() - {"clean"}:
        frames = [
            predictions(skills[kind], seed).with_columns(
                pl.lit(strength, pl.Float64).alias("strength"),
                pl.Series("changed", np.arange(N_TEST) % 2 == 0),
                pl.Series("other_class", np.arange(N_TEST) % 4 == 0),
                # of the changed records, every second is found, and those of other classes are all of them
                pl.Series("inconsistency", (np.arange(N_TEST) % 4 == 0), dtype=pl.Float32),
            )
            for strength in KINDS[kind].strengths[weakest:]
        ]
        suite.write(kind, pl.concat(frames))
    return run
