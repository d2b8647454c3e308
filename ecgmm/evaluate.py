"""Evaluate a finished run again: ``python -m ecgmm.evaluate run=outputs/train/default [store=...] [leads=[I,II]]``."""

from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.settings import check


@command_line.hydra_main("evaluate", "run")
def main(config: DictConfig) -> None:
    """Predict the split, print its metrics and save them under ``<run>/evaluation/``."""
    check("evaluate", config)
    from pathlib import Path  # with the slow imports below, not needed by --help

    from ecgmm.training.evaluation import evaluate_run
    from ecgmm.training.summary import print_metrics

    store = None if config.store is None else Path(config.store)
    stores = Path(config.paths.stores)
    metrics, file = evaluate_run(Path(config.run), store, config.split, config.leads, config.allow_leaky, stores)
    print_metrics(metrics, file)


if __name__ == "__main__":
    command_line.run(main)
