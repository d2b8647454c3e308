"""Hydra sweeper that searches settings by successive halving; each trial is a run of its own.

Every trial has its run directory, so a search that was killed goes on as any sweep does: the same command proposes the
same trials, and finished ones are not trained again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from ecgmm.errors import ConfigError, printable
from ecgmm.settings import checked

if TYPE_CHECKING:
    from ecgmm.runs.trials import Trial

log = logging.getLogger(__name__)
NAME = "hydra_plugins.ecgmm.Halving"
"""``_target_`` of ``conf/hydra/sweeper/halving.yaml``."""
EPOCHS = "trainer.max_epochs"


class Halving(Sweeper):
    """Searches the settings of each row of a table by successive halving (Jamieson and Talwalkar 2016).

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
        self._n_settings, self._seed, self._common, self._own = n_settings, seed, common, own
        self._rungs = rungs
        if len(rungs) < 2 or rungs[0]["settings"] != n_settings:
            raise ConfigError(
                f"hydra.sweeper.rungs must be at least two, the first with all {n_settings} settings (n_settings)"
            )

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what is needed to compose trials, and the launcher that runs them."""
        self._config, self._loader = config, hydra_context.config_loader
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        self._n_launched = 0

    def sweep(self, arguments: list[str]) -> "dict[str, list[Trial]]":
        """Search the rows of ``method=...``, all unless told, and keep a table of trials for each."""
        from ecgmm.runs.trials import FOLDER, Rung, chosen_of, search, write_trials  # slow, not needed by a single run

        methods, given = self._read(arguments)
        planned = {method: self._planned(method, given) for method in methods}
        rungs = [Rung(**rung) for rung in self._rungs]
        done = search(planned, rungs, lambda trials: self._train(trials, given))
        for method, trials in done.items():
            file = Path(self._config.hydra.sweep.dir, FOLDER, f"{method}.csv")
            write_trials(file, trials)
            best = chosen_of(trials)
            log.info("%s: %s after %d epochs, %s", method, best.val_auroc_macro, best.epochs, best.settings)
        return done

    def _read(self, arguments: list[str]) -> tuple[list[str], list[str]]:
        """Rows to search, and the settings that all trials share."""
        methods, given = list(self._own), []
        for override in OverridesParser.create(self._loader).parse_overrides(arguments):
            key = override.get_key_element()
            if key == "method":
                methods = (
                    list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(override.value())]
                )
            elif override.is_sweep_override() or key in (EPOCHS, *self._common):
                raise ConfigError(f"{printable(key)} cannot be given to a search, which chooses its settings itself")
            else:
                given.append(override.input_line or "")
        unknown = [method for method in methods if method not in self._own]
        if unknown:
            raise ConfigError(
                f"method={printable(unknown[0])} has no space to search; choose from {', '.join(self._own)}"
            )
        return methods, given

    def _planned(self, method: str, given: Sequence[str]) -> "list[Trial]":
        """A trial of each of a row's settings, its own first."""
        from ecgmm.commands.search_space import points, setting_text
        from ecgmm.runs.trials import Trial

        space = {**self._common, **self._own[method]}
        config = self._loader.load_sweep_config(self._config, [*given, f"method={method}"])
        checked("train", config)  # a mistake that all trials have shows before the first
        choices = config.hydra.runtime.choices
        own = {key: choices.get(key, OmegaConf.select(config, key)) for key in space}
        absent = [key for key, value in own.items() if value is None]
        if absent:
            raise ConfigError(f"{absent[0]} is searched for {method}, which has no such setting; mend the space")
        drawn = points(space, len(self._common), self._n_settings - 1, self._seed)
        tried = [{key: setting_text(value) for key, value in own.items()}, *drawn]
        data = " ".join(
            f"data.{key}={config.data[key]}" for key in ("name", "seed", "n_patients") if key in config.data
        )
        return [
            Trial(method, number, 0, None, None, None, " ".join(map("=".join, one.items())), data, None)
            for number, one in enumerate(tried)
        ]

    def _train(self, trials: "Sequence[Trial]", given: Sequence[str]) -> "list[Trial]":
        from ecgmm.runs.trials import DEFAULT

        jobs = [
            [*given, f"method={trial.method}", f"{EPOCHS}={trial.epochs}"]
            + [f"{key}={value}" for key, value in trial.values.items() if trial.trial != DEFAULT]
            for trial in trials
        ]
        results = self._launcher.launch(jobs, initial_job_idx=self._n_launched)
        self._n_launched += len(jobs)
        return [_with_result(trial, result) for trial, result in zip(trials, results, strict=True)]


def _with_result(trial: "Trial", result: JobReturn) -> "Trial":
    from ecgmm.runs.facts import read_facts

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
