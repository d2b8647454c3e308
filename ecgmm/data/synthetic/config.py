"""Settings of a synthetic tree; everything else is a named constant beside the code that uses it."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from ecgmm.errors import ConfigError

TREE_VERSION = 1
"""Rises when the same settings give another tree, so that a tree of an earlier version is not taken for a new one."""


@dataclass(frozen=True)
class SyntheticConfig:
    """Size, seed and tunable rates of a synthetic MIMIC-IV-ECG tree.

    Attributes:
        n_patients: Number of patients; records follow at about 2.2 a patient.
        seed: Seed of everything drawn; the same config gives the same bytes.
        ambiguity: Mean share of a finding's full effect that the waveform does NOT show, in (0, 1).
        mimic: Share of findings that are absent and yet hinted at by the waveform (normal variants).
        omission: Share of true diagnostic statements that the report leaves out or blurs to an unspecific line.
        hedge: Share of true diagnostic statements that are written as possible, probable or "consider".
        wrong_statement: Share of reports with a diagnostic statement of a finding that is not there.
        missing_report: Share of records without any statement.
        noise: Factor on drift, muscle and mains noise; 0 gives clean waveforms.
        lead_loss: Share of records with a constant-zero chest lead.
        missing_samples: Share of records with a run of missing samples (stored -32768).
        amplitude_outliers: Share of records with a spike beyond 10 mV.
        second_cart: Share of patients of a second hospital, which has other carts (``second_cart``).
    """

    n_patients: int = 2400
    seed: int = 42
    ambiguity: float = 0.4
    mimic: float = 0.15
    omission: float = 0.25
    hedge: float = 0.3
    wrong_statement: float = 0.16
    missing_report: float = 0.01
    noise: float = 1.0
    lead_loss: float = 0.0024
    missing_samples: float = 0.0132
    amplitude_outliers: float = 0.0012
    second_cart: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that no tree can have.

        Raises:
            ConfigError: If a count is below one or a rate outside its range.
        """
        if self.n_patients < 1 or self.seed < 0 or self.noise < 0 or not 0 < self.ambiguity < 1:
            raise ConfigError("synthetic data need n_patients >= 1, seed >= 0, noise >= 0 and 0 < ambiguity < 1")
        rates = [f.name for f in fields(self) if f.name not in ("n_patients", "seed", "noise", "ambiguity")]
        for name in rates:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"synthetic data: {name} is {getattr(self, name)}; choose a share between 0 and 1")

    def digested(self) -> dict[str, Any]:
        """What decides the bytes of the tree; without a second cart as before there could be one."""
        settings = {"version": TREE_VERSION, **asdict(self)}
        if not self.second_cart:
            del settings["second_cart"]
        return settings
