"""Records that finished runs are measured on, as the settings of a command name them."""

from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig

from ecgmm.runs.store_of_run import STORES
from ecgmm.training.evaluation_choice import Choice
from ecgmm.training.other_store import OtherStore, named_store
from ecgmm.training.served import Served, serve


@dataclass(frozen=True)
class MeasuredRecords:
    """Records that finished runs are measured on.

    Attributes:
        other: Another store than the runs' own, or None.
        choice: Split, and what is done with shared patients.
        stores: Where the runs' own store is looked for.
    """

    other: OtherStore = None
    choice: Choice = field(default_factory=Choice)
    stores: Path = STORES

    @staticmethod
    def named(store: str | None, data: DictConfig | None, choice: Choice, paths: DictConfig) -> "MeasuredRecords":
        """Those of the settings ``store``, ``data`` and ``paths`` of a command.

        Raises:
            ConfigError: If both ``store`` and ``data`` name a store.
        """
        return MeasuredRecords(named_store(store, data), choice, Path(paths.stores))

    def beside(self, run: Path) -> Served:
        """Open a run beside them; raises as ``evaluate_run``."""
        return serve(run, self.other, self.choice, self.stores)
