"""W&B: one run a job, in a group a sweep.

Console output, code, command line, machine details, system metrics and error reports to W&B's makers are switched off.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgmm.dashboard import content as dashboard_content
from ecgmm.dashboard.destination import About, Results
from ecgmm.errors import first_line

log = logging.getLogger(__name__)


class WandbRun:
    """Destination of ``logger=wandb``.

    Args:
        run: What ``wandb.init`` returned.
        artifacts: Whether tables, model and manifest are sent too.
    """

    def __init__(self, run: Any, artifacts: bool) -> None:
        self._run, self._artifacts = run, artifacts

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Send numbers of a training step."""
        self._run.log({**numbers, "trainer/global_step": step})

    def send_results(self, results: Results) -> None:
        """Send facts, summary, figures and artifacts."""
        directory, frame, metrics, facts = results.directory, results.frame, results.metrics, results.facts
        self._run.config.update({"facts": dashboard_content.shown_facts(facts)}, allow_val_change=True)
        self._run.summary.update(dashboard_content.summary(frame, metrics))
        folder = directory / "wandb" / "sent"
        self._run.log(_images(results.figures))
        if self._artifacts and not directory.absolute().is_relative_to(Path.cwd()):
            log.warning("W&B gets no artifacts: they would tell it where %s lies; start above that folder", directory)
        elif self._artifacts:
            made = dashboard_content.artifacts(
                directory, metrics, results.facts, results.manifest, folder, self._run.id
            )
            for artifact in made:
                self._run.log_artifact(artifact)

    def finish(self, exit_code: int) -> None:
        """Close the run."""
        self._run.finish(exit_code=exit_code)


def _images(figures: Mapping[str, Path]) -> dict[str, Any]:
    import wandb

    return {name: wandb.Image(str(file)) for name, file in dashboard_content.sent_figures(figures).items()}


def start(about: About, logger: Mapping[str, Any]) -> WandbRun:
    """Start the W&B run as ``logger.mode`` says, offline where the server does not take it."""
    folder = about.directory / "wandb"
    (folder / "sent").mkdir(parents=True, exist_ok=True)  # else W&B takes a temporary folder
    for name in ("DATA", "CACHE", "ARTIFACT"):  # its settings know no folder for these three
        os.environ[f"WANDB_{name}_DIR"] = str(folder / "staging")
    # Read when W&B is imported: its makers would else get stack traces, and the console its advice.
    os.environ |= {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
    import wandb  # half a second, only where it is used

    off = ("disable_git", "x_disable_meta", "x_disable_machine_info", "x_disable_stats")
    settings = wandb.Settings(
        **dict.fromkeys(off, True),
        console="off",
        save_code=False,
        host="",
        program="ecgmm",  # else the path of the script
        x_save_requirements=False,  # versions are in run.json
        init_timeout=logger["start_timeout_s"],
        finish_timeout=logger["finish_timeout_s"],
    )
    told = {
        "project": logger["project"],
        "name": about.name,
        "group": about.group,
        "job_type": "train",
        "tags": about.tags,
        "config": about.config,
        "id": about.run_id,
        "dir": str(about.directory),
    }

    def begin(mode: Any) -> WandbRun:
        # A run of its own beside others in this process: two runs of a sweep would else become one.
        run = wandb.init(**told, mode=mode, settings=settings, resume="allow", reinit="create_new")
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        return WandbRun(run, logger["artifacts"])

    mode = logger["mode"]
    if mode == "auto":
        mode = os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False, verify=False) else "offline")
    try:
        return begin(mode)
    except Exception as error:
        if mode == "offline":
            raise
        log.warning(
            "W&B does not take the run (%s); it is kept offline, `wandb sync` sends it later", first_line(error)
        )
        wandb.teardown()  # its process would take the id for used
        return begin("offline")
