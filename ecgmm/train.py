"""Train one method, or a sweep: ``python -m ecgmm.train [method=concat] [+experiment=table2] ...``."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from ecgmm import command_line
from ecgmm.configuration import CONF_DIR


@hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name="train")
def main(config: DictConfig) -> float:
    """Prepare the store if there is none, train, evaluate; returns validation-free test macro AUROC for sweepers."""
    from ecgmm.data.preparation import open_or_prepare  # slow imports, not needed by --help
    from ecgmm.training.run import check_settings, run_training
    from ecgmm.training.summary import print_metrics

    directory = Path(HydraConfig.get().runtime.output_dir)
    try:
        check_settings(config)
        metrics = run_training(config, open_or_prepare(config.data), directory)
    except BaseException:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()  # Hydra made it before the mistake was found
        raise
    print_metrics(metrics, directory)
    value = metrics["test/auroc_macro"]["value"]
    return float("nan") if value is None else float(value)  # no class of the test split has both answers


if __name__ == "__main__":
    command_line.run(main)
