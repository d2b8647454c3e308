"""Train one method, or a sweep: ``python -m ecgmm.train [method=concat] [+experiment=table2] ...``."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from ecgmm.commands import command_line
from ecgmm.commands.sweeps import attempt
from ecgmm.console.ending import Stopped
from ecgmm.console.system_errors import naming
from ecgmm.errors import ConfigError
from ecgmm.settings import check


@command_line.hydra_main("train")
def main(config: DictConfig) -> float | None:
    """Prepare the store if there is none, train, evaluate; returns the objective of a search: validation AUROC."""
    directory = Path(HydraConfig.get().runtime.output_dir)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        refuse_several_devices(config)
        return attempt(lambda: objective(train(config, directory)), directory)
    try:
        metrics = train(config, directory)
    except BaseException:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()  # Hydra made it before the mistake was found
        raise
    if not metrics:
        return None  # a process beside the first
    from ecgmm.console.terminal import say
    from ecgmm.runs.facts import read_facts
    from ecgmm.training.summary import left_out_lines, print_metrics

    print_metrics(metrics, directory)
    say(*left_out_lines(read_facts(directory)["quality"]["left_out"]))
    return objective(metrics)


def train(config: DictConfig, directory: Path) -> dict[str, Any]:
    """Train one run, unless another process did; returns the content of its ``metrics.json``.

    Where several devices train together this is called in a process for each; all but the first return nothing.
    """
    check("train", config)
    from ecgmm.data.preparation.preparation import open_or_prepare  # slow imports, not needed by --help
    from ecgmm.locks import one_process
    from ecgmm.training.lightning.processes import is_first_process
    from ecgmm.training.run import run_training

    refuse_missing_gpu(config)
    if not is_first_process():
        logging.getLogger("ecgmm").setLevel(logging.WARNING)
        return run_training(config, open_or_prepare(config.data), directory)
    store = open_or_prepare(config.data)
    with one_process(directory, "trains"), naming(directory), _saying_how_to_go_on(directory):
        return run_training(config, store, directory)


@contextmanager
def _saying_how_to_go_on(directory: Path) -> Iterator[None]:
    try:
        yield
    except Stopped as stop:
        saved = any(directory.glob("checkpoints/**/last.ckpt"))
        how = "goes on from its last checkpoint" if saved else "begins it anew, since it has no checkpoint yet"
        stop.add_note(f"{directory} is not finished; the same command {how}")
        raise


def refuse_several_devices(config: DictConfig) -> None:
    """Refuse to train each job of a sweep on several devices: every process of a job would start the sweep again.

    Raises:
        ConfigError: If that is asked for.
    """
    from ecgmm.training.learning import has_several_devices

    if has_several_devices(config.trainer):
        raise ConfigError(
            "a sweep trains each of its runs on one device, n_jobs of them side by side; set trainer.devices=1 and"
            " trainer.num_nodes=1, or start the runs one by one"
        )


def refuse_missing_gpu(config: DictConfig) -> None:
    """Refuse ``trainer`` settings that name GPUs where there is none.

    Raises:
        ConfigError: If torch finds no GPU.
    """
    import torch

    if torch.cuda.is_available():
        return
    if config.trainer.accelerator == "gpu":
        raise ConfigError("trainer.accelerator is 'gpu' and torch finds none here; choose cpu or auto")
    if OmegaConf.is_list(config.trainer.devices):
        raise ConfigError(f"trainer.devices is {config.trainer.devices}, and torch finds no GPU here; say how many")


def objective(metrics: dict[str, Any]) -> float | None:
    """Validation macro AUROC; None if no class of the validation split has both answers."""
    value: float | None = metrics["val/auroc_macro"]["value"]
    return value


if __name__ == "__main__":
    command_line.run(main)
