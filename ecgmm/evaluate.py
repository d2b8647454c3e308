"""Evaluate a finished run again: ``python -m ecgmm.evaluate run=outputs/train/default [store=...] [split=all]``.

A folder that holds runs, such as ``run=outputs/table2``, stands for all of them, one after the other.
"""

from typing import Literal

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("evaluate", "run")
def main(
    run: str,
    store: str | None,
    data: DictConfig | None,
    labels: DictConfig | None,
    task: DictConfig | None,
    classes: DictConfig,
    split: str,
    leads: list[str] | None,
    allow_leaky: bool,
    shared_patients: str,
    recalibrate: float | None,
    recalibration_seed: int,
    recalibrate_by: Literal["temperature", "vector"],
    adapt: list[str] | None,
    conformal: float | None,
    name: str | None,
    paths: DictConfig,
) -> None:
    """Predict the split, print its metrics and save them with the predictions under ``<run>/evaluation/``."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.runs.run import run_directories
    from ecgmm.training.evaluation import evaluate_run
    from ecgmm.training.evaluation_choice import choice_of
    from ecgmm.training.other_store import named_store
    from ecgmm.training.summary import print_external, print_metrics

    choice = choice_of(
        labels,
        task,
        classes,
        split=split,
        leads=leads,
        allow_leaky=allow_leaky,
        shared_patients=shared_patients,
        recalibrate=recalibrate,
        recalibration_seed=recalibration_seed,
        recalibrate_by=recalibrate_by,
        adapt=adapt,
        conformal=conformal,
        name=name,
    )
    for directory in run_directories(Path(run)):
        metrics, file = evaluate_run(directory, named_store(store, data), choice, Path(paths.stores))
        print_metrics(metrics, file)
        print_external(metrics)


if __name__ == "__main__":
    command_line.run(main)
