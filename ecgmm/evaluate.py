"""Evaluate a finished run again: ``python -m ecgmm.evaluate run=outputs/train/default [store=...] [leads=[I,II]]``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line


@command_line.command("evaluate", "run")
def main(
    run: str, store: str | None, split: str, leads: list[str] | None, allow_leaky: bool, paths: DictConfig
) -> None:
    """Predict the split, print its metrics and save them under ``<run>/evaluation/``."""
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.training.evaluation import evaluate_run
    from ecgmm.training.summary import print_metrics

    store_path = None if store is None else Path(store)
    metrics, file = evaluate_run(Path(run), store_path, split, leads, allow_leaky, Path(paths.stores))
    print_metrics(metrics, file)


if __name__ == "__main__":
    command_line.run(main)
