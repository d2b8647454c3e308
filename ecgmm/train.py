"""Train one method, or a sweep: ``python -m ecgmm.train [method=concat] [+experiment=table2] ...``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from ecgmm.commands import command_line
from ecgmm.commands.sweeps import attempt
from ecgmm.errors import ConfigError
from ecgmm.settings import checked

if TYPE_CHECKING:
    from ecgmm.runs.metrics import Metrics
    from ecgmm.training.build import Setup


@command_line.hydra_main("train")
def main(config: DictConfig) -> float | None:
    """Prepare the store if there is none, train, evaluate; returns the objective of a search: validation AUROC."""
    directory = Path(HydraConfig.get().runtime.output_dir)

    def train() -> "tuple[Setup, Metrics | None]":
        settings = checked("train", config)
        from ecgmm.data.preparation.opening import open_or_prepare  # slow imports, not needed by --help
        from ecgmm.training.build import set_up
        from ecgmm.training.run import train_run
        from ecgmm.training.trainers import refuse_missing_gpu

        refuse_missing_gpu(settings.trainer)  # before the store is prepared, which may take hours
        setup = set_up(settings, open_or_prepare(settings.data))
        metrics = train_run(setup, directory)
        if settings.page and metrics is not None:  # None in processes beside the first
            from ecgmm.reporting import run_page

            run_page.leave(directory)
        return setup, metrics

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        refuse_several_devices(config.trainer.devices, config.trainer.num_nodes)
        return attempt(lambda: objective(train()[1]), directory)
    try:
        setup, metrics = train()
    except BaseException:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()  # Hydra made it before the mistake was found
        raise
    if metrics is None:
        return None  # a process beside the first
    from ecgmm.training.participants import participants_of
    from ecgmm.training.summary import print_metrics, print_participants

    print_participants(participants_of(setup.datamodule))
    print_metrics(metrics, directory)
    return objective(metrics)


def refuse_several_devices(devices: int | str | Sequence[int], num_nodes: int) -> None:
    """Refuse to train each job of a sweep on several devices: every process of a job would start the sweep again.

    Raises:
        ConfigError: If that is asked for.
    """
    from ecgmm.training.trainers import has_several_devices

    if has_several_devices(devices, num_nodes):
        raise ConfigError(
            "a sweep trains each of its runs on one device, n_jobs of them side by side; set trainer.devices=1 and"
            " trainer.num_nodes=1, or start the runs one by one"
        )


def objective(metrics: "Metrics | None") -> float | None:
    """Validation macro AUROC; None if no class of the validation split has both answers."""
    return None if metrics is None else metrics["val/auroc_macro"].value


if __name__ == "__main__":
    command_line.run(main)
