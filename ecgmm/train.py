"""Train one method, or a sweep: ``python -m ecgmm.train [method=concat] [+experiment=table2] ...``."""

from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ecgmm import command_line
from ecgmm.configuration import CONF_DIR
from ecgmm.sweeps import attempt


@hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name="train")
def main(config: DictConfig) -> float | None:
    """Prepare the store if there is none, train, evaluate; returns the objective of a search: validation AUROC."""
    directory = Path(HydraConfig.get().runtime.output_dir)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return attempt(lambda: objective(train(config, directory)), directory)
    try:
        metrics = train(config, directory)
    except BaseException:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()  # Hydra made it before the mistake was found
        raise
    from ecgmm.training.summary import print_metrics

    print_metrics(metrics, directory)
    return objective(metrics)


def train(config: DictConfig, directory: Path) -> dict[str, Any]:
    """Train one run, unless another process did; returns the content of its ``metrics.json``."""
    from ecgmm.data.preparation import open_or_prepare  # slow imports, not needed by --help
    from ecgmm.data.store import one_process
    from ecgmm.training.run import check_settings, run_training

    check_settings(config)
    store = open_or_prepare(config.data)
    with one_process(directory, "trains"):
        return run_training(config, store, directory)


def objective(metrics: dict[str, Any]) -> float | None:
    """Validation macro AUROC; None if no class of the validation split has both answers."""
    value: float | None = metrics["val/auroc_macro"]["value"]
    return value


if __name__ == "__main__":
    command_line.run(main)
