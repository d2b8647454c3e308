"""Probes of measurements on a store made by hand: a missing P wave gives atrial fibrillation away."""

from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from ecgmm.auditing.probes import Probes
from ecgmm.data.batches.datamodule import EcgReportDataModule

N = 400


class _Given:
    """Stands for a data module: fibrillation is class 1 and has no P wave; the rate says nothing."""

    def __init__(self, multi_label: bool, measured: bool) -> None:
        generator = np.random.default_rng(0)
        label = generator.integers(0, 2, N)
        records: dict[str, Any] = {"record": np.arange(N), "patient": np.arange(N) // 2}
        if measured:
            p_end = generator.normal(150, 10, N).tolist()
            records["measurement.p_end"] = [
                None if fibrillating else one for fibrillating, one in zip(label, p_end, strict=True)
            ]
            records["measurement.rr_interval"] = generator.normal(800, 50, N)
        values = np.stack([label == 0, label == 1], axis=1).astype(np.float32) if multi_label else label
        self.store = type("Store", (), {"records": pl.DataFrame(records)})()
        self.targets = type("Targets", (), {"values": values, "class_names": ("SR", "AFIB")})()
        self.rows = {"train": np.arange(0, N, 2), "test": np.arange(1, N, 2)}


def probes(multi_label: bool = False, measured: bool = True) -> Probes:
    return Probes(cast(EcgReportDataModule, _Given(multi_label, measured)), n_resamples=20, seed=0)


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_missing_p_wave_gives_fibrillation_away(multi_label: bool) -> None:
    values, missing = probes(multi_label).measurements()
    assert [values["input"], missing["input"]] == ["measurements", "missing_measurements"]
    assert missing["auroc"]["AFIB"] == 1.0
    assert values["auroc_macro"]["value"] > 0.99
    assert missing["auroc_macro"]["low"] <= missing["auroc_macro"]["value"] <= missing["auroc_macro"]["high"]


def test_a_store_without_measurements_has_no_such_probe() -> None:
    assert probes(measured=False).measurements() == []
