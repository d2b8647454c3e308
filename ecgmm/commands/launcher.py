"""Hydra launcher that runs the jobs of a sweep on this machine."""

from collections.abc import Sequence

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from ecgmm.commands.halving import NAME as HALVING
from ecgmm.commands.halving import Halving

NAME = "hydra_plugins.ecgmm.SideBySide"
"""``_target_`` of ``conf/hydra/launcher/side_by_side.yaml``: Hydra takes no launcher whose name begins otherwise."""


class SideBySide(Launcher):
    """Runs the jobs of a sweep in processes on this machine (``ecgmm.commands.side_by_side``).

    Args:
        n_jobs: How many at a time; None for one a GPU, or two where there is none.
    """

    def __init__(self, n_jobs: int | None) -> None:
        self._n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what the jobs need."""
        self._told = (hydra_context, config, task_function)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs; results are in their order."""
        from ecgmm.commands.side_by_side import Sweep, run_jobs  # slow imports, not needed by a single run

        jobs = [(initial_job_idx + place, list(overrides)) for place, overrides in enumerate(job_overrides)]
        return run_jobs(jobs, self._n_jobs, Sweep(*self._told))


def register_launcher() -> None:
    """Make launcher and search known to Hydra, which otherwise looks for them in a package ``hydra_plugins`` only."""
    Plugins.instance().class_name_to_class |= {NAME: SideBySide, HALVING: Halving}
