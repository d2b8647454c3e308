"""W&B: one run a job, in a group a sweep, with numbers and figures only.

Console output, code, command line and machine details are switched off: nothing of a report, a patient or a path
leaves the machine.
"""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
from lightning.pytorch.loggers import WandbLogger

from ecgmm.data.source import flatten
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.evaluation.results import average_windows
from ecgmm.plots.confusion import confusion_matrix
from ecgmm.plots.curves import roc_and_pr_curves
from ecgmm.plots.gates import gate_histograms
from ecgmm.training.predictions import labels_and_probabilities

_STAYS_HERE = ("root", "raw", "store", "stores", "notes_csv", "csv")  # paths of this machine


def open_dashboard(run_directory: Path, config: dict[str, Any], facts: dict[str, Any]) -> WandbLogger | None:
    """Start (or, for an interrupted run, continue) the W&B run of a run directory.

    Args:
        run_directory: Where W&B keeps its files.
        config: The resolved configuration; paths are left out.
        facts: Content of ``run.json``. Its digest gives the W&B run its id, so that a resumed run is the same run;
            leaking labels and synthetic data become tags.

    Returns:
        The logger, or None where ``logger.mode`` is ``disabled``.
    """
    dashboard = config["logger"]
    if dashboard["mode"] == "disabled":
        return None
    import wandb  # half a second, only where it is used

    mode = dashboard["mode"]
    if mode == "auto":
        mode = "online" if wandb.login(prompt=False) else "offline"
    shown = {key: value for key, value in config.items() if key not in ("paths", "logger")}
    settings = flatten(config["data"])
    shown["data"] = {name: value for name, value in settings.items() if name.split(".")[-1] not in _STAYS_HERE}
    return WandbLogger(
        name=run_directory.name,
        save_dir=str(run_directory),
        project=dashboard["project"],
        group=config["name"],
        id=hashlib.sha256(f"{run_directory.name}{facts['config_digest']}".encode()).hexdigest()[:16],
        resume="allow",
        offline=mode == "offline",
        log_model=False,
        tags=[name for name, true in (("leaky", facts["leaky"]), ("synthetic", facts["data"]["synthetic"])) if true],
        config=_without_folders(shown),
        settings=wandb.Settings(
            mode=mode,
            console="off",
            save_code=False,
            disable_git=True,
            x_disable_meta=True,
            x_disable_machine_info=True,
            silent=True,
        ),
    )


def _without_folders(value: Any) -> Any:
    """Settings in which an absolute path (of a pre-trained model, say) is only its last part."""
    if isinstance(value, dict):
        return {name: _without_folders(part) for name, part in value.items()}
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def log_results(
    logger: WandbLogger, frame: pl.DataFrame, metrics: dict[str, Any], class_names: tuple[str, ...], task: TaskKind
) -> None:
    """Send test metrics, confusion matrix, ROC and PR curves and the gate's histogram."""
    import wandb

    test = average_windows(frame.filter(pl.col("split") == "test"))
    labels, probabilities = labels_and_probabilities(test, class_names, task)
    figures = {"test/curves": roc_and_pr_curves(labels, probabilities, class_names)}
    if task == "single_label":
        figures["test/confusion_matrix"] = confusion_matrix(metrics["confusion_matrix"], class_names)
        if test["gate"].null_count() == 0:
            figures["test/gate"] = gate_histograms(test["gate"].to_numpy(), labels, class_names)
    values = {key: entry["value"] for key, entry in metrics.items() if key.startswith("test/")}
    for readout, found in metrics["readouts"].items():
        values |= {f"{readout}/{key}": entry["value"] for key, entry in found.items() if key.startswith("test/")}
    run = logger.experiment
    run.summary.update(values)
    run.log({name: wandb.Image(figure) for name, figure in figures.items()})


def close_dashboard(logger: WandbLogger | None) -> None:
    """Close the W&B run, also after an error: two runs of a sweep in one process would else become one."""
    if logger is not None:
        import wandb

        wandb.finish()
