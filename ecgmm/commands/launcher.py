"""Hydra plugins of our own: the launcher that runs the jobs of a sweep on this machine, and the search of settings.

A single run loads them too, so what they do is imported when it is asked for.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from ecgmm.runs.trials import Trial

NAME = "hydra_plugins.ecgmm.SideBySide"
"""``_target_`` of ``conf/hydra/launcher/side_by_side.yaml``: Hydra takes no launcher whose name begins otherwise."""
HALVING = "hydra_plugins.ecgmm.Halving"
"""``_target_`` of ``conf/hydra/sweeper/halving.yaml``."""


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


class Halving(Sweeper):
    """Searches the settings of each row of a table by successive halving (``ecgmm.commands.halving``).

    Args:
        n_settings: Settings that are tried of each row.
        seed: Draws them.
        rungs: Epochs and number of settings of each rung.
        common: Range of each key that is searched for all rows.
        own: The same of a row's own keys, by row.
    """

    def __init__(
        self,
        n_settings: int,
        seed: int,
        rungs: Sequence[Mapping[str, int]],
        common: Mapping[str, str],
        own: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._space = (n_settings, seed, rungs, common, own)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what the trials need."""
        self._told = (hydra_context, config, task_function)

    def sweep(self, arguments: list[str]) -> "dict[str, list[Trial]]":
        """Search the rows of ``method=...``, all unless told, and keep a table of trials for each."""
        from ecgmm.commands.halving import Search, Space

        context, config, task_function = self._told
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=task_function, config=config
        )
        loader, folder = context.config_loader, Path(config.hydra.sweep.dir)
        compose = partial(loader.load_sweep_config, config)
        return Search(Space(*self._space), launcher, OverridesParser.create(loader), compose, folder).sweep(arguments)


def register_launcher() -> None:
    """Make launcher and search known to Hydra, which otherwise looks for them in a package ``hydra_plugins`` only."""
    Plugins.instance().class_name_to_class |= {NAME: SideBySide, HALVING: Halving}
