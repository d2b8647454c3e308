"""Where Hydra looks for launchers: it takes none from outside the folder ``hydra_plugins``."""

from collections.abc import Sequence

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SideBySide(Launcher):
    """Runs the jobs of a sweep in processes on this machine (``ecgmm.commands.side_by_side``).

    Args:
        n_jobs: How many at a time.
    """

    def __init__(self, n_jobs: int) -> None:
        self._n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra tells before it hands out jobs."""
        self._hydra_context, self._task_function, self._config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs; results are in their order."""
        from ecgmm.commands.side_by_side import run_jobs  # Hydra imports this module at each start of a command

        jobs = [(initial_job_idx + place, list(overrides)) for place, overrides in enumerate(job_overrides)]
        return run_jobs(jobs, self._n_jobs, self._hydra_context, self._config, self._task_function)
