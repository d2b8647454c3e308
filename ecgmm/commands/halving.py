"""Search of settings by successive halving; each trial is a run of its own.

Every trial has its run directory, so a search that was killed goes on as any sweep does: the same command proposes the
same trials, and finished ones are not trained again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from ecgmm.commands.search_space import points, setting_text
from ecgmm.errors import ConfigError, printable
from ecgmm.runs.facts import read_facts
from ecgmm.runs.trials import DEFAULT, FOLDER, Rung, Trial, chosen_of, search, write_trials
from ecgmm.settings import checked

log = logging.getLogger(__name__)
EPOCHS = "trainer.max_epochs"


class Space(NamedTuple):
    """What is searched; see ``ecgmm.commands.launcher.Halving``."""

    n_settings: int
    seed: int
    rungs: Sequence[Mapping[str, int]]
    common: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]


class Search:
    """Searches the settings of each row of a table by successive halving (Jamieson and Talwalkar 2016).

    Args:
        space: What is searched.
        launcher: Trains the trials.
        parser: Reads what is given on the command line.
        compose: Settings of a trial, from what differs from those that all have.
        folder: Where the trials' run directories are.
    """

    def __init__(
        self,
        space: Space,
        launcher: Launcher,
        parser: OverridesParser,
        compose: Callable[[list[str]], DictConfig],
        folder: Path,
    ) -> None:
        if len(space.rungs) < 2 or space.rungs[0]["settings"] != space.n_settings:
            raise ConfigError(
                f"hydra.sweeper.rungs must be at least two, the first with all {space.n_settings} settings (n_settings)"
            )
        self._space, self._launcher, self._parser = space, launcher, parser
        self._compose, self._folder = compose, folder
        self._n_launched = 0

    def sweep(self, arguments: list[str]) -> dict[str, list[Trial]]:
        """Search the rows of ``method=...``, all unless told, and keep a table of trials for each."""
        methods, given = self._read(arguments)
        planned = {method: self._planned(method, given) for method in methods}
        rungs = [Rung(**rung) for rung in self._space.rungs]
        done = search(planned, rungs, lambda trials: self._train(trials, given))
        for method, trials in done.items():
            file = self._folder / FOLDER / f"{method}.csv"
            write_trials(file, trials)
            best = chosen_of(trials)
            log.info("%s: %s after %d epochs, %s", method, best.val_auroc_macro, best.epochs, best.settings)
        return done

    def _read(self, arguments: list[str]) -> tuple[list[str], list[str]]:
        """Rows to search, and the settings that all trials share."""
        methods, given = list(self._space.own), []
        for override in self._parser.parse_overrides(arguments):
            key = override.get_key_element()
            if key == "method":
                methods = (
                    list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(override.value())]
                )
            elif override.is_sweep_override() or key in (EPOCHS, *self._space.common):
                raise ConfigError(f"{printable(key)} cannot be given to a search, which chooses its settings itself")
            else:
                given.append(override.input_line or "")
        unknown = [method for method in methods if method not in self._space.own]
        if unknown:
            raise ConfigError(
                f"method={printable(unknown[0])} has no space to search; choose from {', '.join(self._space.own)}"
            )
        return methods, given

    def _planned(self, method: str, given: Sequence[str]) -> list[Trial]:
        """A trial of each of a row's settings, its own first."""
        space = {**self._space.common, **self._space.own[method]}
        config = self._compose([*given, f"method={method}"])
        checked("train", config)  # a mistake that all trials have shows before the first
        choices = config.hydra.runtime.choices
        own = {key: choices.get(key, OmegaConf.select(config, key)) for key in space}
        absent = [key for key, value in own.items() if value is None]
        if absent:
            raise ConfigError(f"{absent[0]} is searched for {method}, which has no such setting; mend the space")
        drawn = points(space, len(self._space.common), self._space.n_settings - 1, self._space.seed)
        tried = [{key: setting_text(value) for key, value in own.items()}, *drawn]
        data = " ".join(
            f"data.{key}={config.data[key]}" for key in ("name", "seed", "n_patients") if key in config.data
        )
        return [
            Trial(method, number, 0, None, None, None, " ".join(map("=".join, one.items())), data, None)
            for number, one in enumerate(tried)
        ]

    def _train(self, trials: Sequence[Trial], given: Sequence[str]) -> list[Trial]:
        jobs = [
            [*given, f"method={trial.method}", f"{EPOCHS}={trial.epochs}"]
            + [f"{key}={value}" for key, value in trial.values.items() if trial.trial != DEFAULT]
            for trial in trials
        ]
        results = self._launcher.launch(jobs, initial_job_idx=self._n_launched)
        self._n_launched += len(jobs)
        return [_with_result(trial, result) for trial, result in zip(trials, results, strict=True)]


def _with_result(trial: Trial, result: JobReturn) -> Trial:
    value: float | None = result.return_value
    if value is None:
        return trial
    assert result.hydra_cfg is not None
    facts = read_facts(Path(result.hydra_cfg.hydra.runtime.output_dir))
    assert facts is not None
    return replace(
        trial,
        val_auroc_macro=value,
        epoch_s=facts.seconds_per_epoch,
        run_s=facts.wall_time_s,
        commit=facts.commit,
    )
