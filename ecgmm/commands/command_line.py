"""Entry points: from the command line to a composed configuration, and from an error to an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any

import hydra
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.types import TaskFunction
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from ecgmm.commands.launcher import register_launcher
from ecgmm.commands.positional import Positional, with_keys
from ecgmm.configuration import CONF_DIR
from ecgmm.console.ending import ended
from ecgmm.console.system_errors import first_sentence
from ecgmm.settings import checked
from ecgmm.settings.arguments import readable
from ecgmm.settings.messages import hydra_sentence
from ecgmm.settings.resolvers import register_resolvers


def _help_page(command: str, overrides: Sequence[str] = ()) -> str:
    from ecgmm.settings.help_page import template  # only for --help

    return template(command, overrides)


def set_up_hydra() -> None:
    """Give Hydra in this process our resolvers and launcher, and keep it from printing the settings of a failed job.

    Workers of a sweep get the resolvers with the rest of Hydra's state.
    """
    register_resolvers()
    OmegaConf.register_new_resolver("help_page", _help_page, replace=True)
    register_launcher()
    # In the place of Hydra's own, which prints all overrides of a job that failed, the text of a report too.
    quiet = property(_result, lambda job, value: setattr(job, "_return_value", value))
    JobReturn.return_value = quiet  # type: ignore[assignment]  # one property takes the place of another


def _result(job: JobReturn) -> Any:
    """Return what a job returned, or raise what it raised, without a word."""
    if job.status == JobStatus.COMPLETED:
        return job._return_value
    raise job._return_value


def hydra_main(entry: str, *positional: Positional) -> Callable[[TaskFunction], Callable[[], None]]:
    """Decorator like ``hydra.main``, for arguments as a user writes them, and without effect until it is called.

    Args:
        entry: Name of the command and of its file in ``conf/``.
        positional: Settings whose values may stand without their key, in this order (see ``with_keys``).
    """

    def decorate(task: TaskFunction) -> Callable[[], None]:
        @wraps(task)
        def main() -> None:
            sys.argv[1:] = readable(with_keys(entry, positional, sys.argv[1:]))
            hydra.main(version_base="1.3", config_path=str(CONF_DIR), config_name=entry)(task)()

        return main

    return decorate


def command(entry: str, *positional: Positional) -> Callable[[Callable[..., object]], Callable[[], None]]:
    """Decorator for a command that takes, by the names of its parameters, the settings that it needs, checked.

    A setting whose name Python keeps for itself has an underscore behind it: ``class_`` takes ``class``.

    Args:
        entry: As for ``hydra_main``, as the next one.
        positional: Settings whose values may stand without their key.
    """

    def decorate(work: Callable[..., object]) -> Callable[[], None]:
        @wraps(work)
        def task(config: DictConfig) -> None:
            settings = checked(entry, config)
            work(*(settings[name.removesuffix("_")] for name in signature(work).parameters))

        task.__module__ = f"ecgmm.{entry}"  # from which Hydra takes the name of the job
        return wraps(work)(hydra_main(entry, *positional)(task))

    return decorate


def run(main: Callable[[], object]) -> None:
    """Run a command, and turn errors into exit codes.

    Args:
        main: A function that ``hydra_main`` made, or another without arguments.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # lets exceptions through to here instead of printing them itself

    def work() -> None:
        set_up_hydra()
        main()

    code = ended(work, user_message)
    if code:
        sys.exit(code)


def user_message(error: BaseException) -> str | None:
    """Return the sentence for a mistake that the user can correct, or None for a mistake of ours."""
    message = first_sentence(error)
    if message is not None:
        return message
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} is not given; add {error.full_key}=... to the command"
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        return hydra_sentence(error)
    return None
