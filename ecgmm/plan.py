"""List the jobs of a sweep and estimate their time: ``python -m ecgmm.plan +experiment=lambda_sweep``."""

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode

from ecgmm.commands import command_line
from ecgmm.commands.gpus import gpus_of, jobs_at_once
from ecgmm.configuration import CONF_DIR
from ecgmm.console.terminal import say
from ecgmm.errors import ConfigError
from ecgmm.files import in_units
from ecgmm.settings import checked
from ecgmm.settings.arguments import readable
from ecgmm.settings.resolvers import run_name

if TYPE_CHECKING:
    from ecgmm.training.estimate import Job


def main() -> None:
    """Print one line per job and the sum; nothing is prepared, trained or written."""
    arguments = readable(sys.argv[1:])
    if not arguments or {"-h", "--help"} & set(arguments):
        say(__doc__, "It takes what `python -m ecgmm.train` takes.")
        return
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        jobs, n_jobs = plan([text for text in arguments if text not in ("-m", "--multirun")])
    for job in jobs:
        say(f"{job.state:11} {_minutes(job.seconds_left)}  {job.directory}")
    states = Counter(job.state for job in jobs)
    total_s = sum(job.seconds_left for job in jobs) / n_jobs
    say(f"{len(jobs)} jobs: {', '.join(f'{n} {state}' for state, n in states.items())}")
    say(f"about {_minutes(total_s).strip()} of training, {n_jobs} side by side (n_jobs)")
    say(_disk(jobs, n_jobs))


def plan(overrides: Sequence[str]) -> "tuple[list[Job], int]":
    """List the jobs that a command would run, in their order, and how many of them run side by side.

    Raises:
        UserError: If a setting does not fit, the store is not prepared yet, or the sweep is a search.
    """
    all_overrides = split(overrides)
    configs = [checked("train", compose("train", one)) for one in all_overrides]  # a mistake shows at once
    from ecgmm.building import construct
    from ecgmm.data.preparation.opening import open_or_prepare, store_path
    from ecgmm.data.sources.prepare_command import prepare_command
    from ecgmm.training.build import set_up
    from ecgmm.training.estimate import Estimator

    n_jobs = jobs_at_once(configs[0].n_jobs, gpus_of(configs[0].trainer))
    estimator, jobs = Estimator(n_jobs), []
    for config, one in zip(configs, all_overrides, strict=True):
        store = store_path(construct(config.data))
        if not store.exists():
            raise ConfigError(f"{store} is not there yet; make it: {prepare_command(config.data)}")
        directory = Path(config.paths.outputs) / config.name / run_name(one)
        jobs.append(estimator.job(set_up(config, open_or_prepare(config.data)), directory))
    return jobs, n_jobs


def split(overrides: Sequence[str]) -> list[list[str]]:
    """Split the values of a grid into the overrides of each job, as Hydra's own sweeper does.

    Raises:
        ConfigError: If the sweep is a search, whose jobs depend on one another's results.
    """
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    sweeper = hydra.compose_config("train", list(overrides), run_mode=RunMode.MULTIRUN).hydra.sweeper
    if not sweeper._target_.endswith("BasicSweeper"):
        raise ConfigError("a search chooses its jobs by their results; it runs hydra.sweeper.n_trials of them")
    axes = [f"{key}={values}" for key, values in (sweeper.params or {}).items()]
    parsed = OverridesParser.create(hydra.config_loader).parse_overrides([*axes, *overrides])
    # Private, but the one place that knows how Hydra makes jobs of values: a second one here would part from it.
    (jobs,) = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    return jobs


def _disk(jobs: "Sequence[Job]", n_jobs: int) -> str:
    """Room that the jobs take in the end, and while those that run side by side have their checkpoints."""
    rooms = [job.room for job in jobs]
    finished = sum(room.finished for room in rooms)
    most = finished + sum(sorted((room.training - room.finished for room in rooms), reverse=True)[:n_jobs])
    where = jobs[0].directory.absolute()
    free = shutil.disk_usage(next(folder for folder in where.parents if folder.exists())).free
    return f"about {in_units(finished)} of disk in the end, {in_units(most)} at most meanwhile; {in_units(free)} free"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:6.1f} min"


if __name__ == "__main__":
    command_line.run(main)
