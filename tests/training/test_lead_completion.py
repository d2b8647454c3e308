"""Completion of lost leads in a run: learnt from its training records, saved with its model, the same at test."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError
from ecgmm.leads import LEADS
from ecgmm.runs.loading import load_model
from ecgmm.signal.only_leads import OnlyLeads
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.training.lead_covariance import lead_covariance_mv2
from ecgmm.types import MISSING_SAMPLE

Command = Callable[..., int]


def plain_preparation(store: Store) -> WaveformPreparation:
    facts = store.manifest
    return WaveformPreparation(facts["lead_mean_mv"], facts["lead_std_mv"], facts["uv_per_step"], 100.0, 10.0, None)


def test_covariance_is_that_of_the_training_records_about_their_mean(tiny_store: Path) -> None:
    store = Store.open(tiny_store)
    rows = np.flatnonzero(store.records["split"].to_numpy() == "train")
    covariance = np.array(lead_covariance_mv2(store, rows, plain_preparation(store)))
    signals = np.array(store.waveforms[rows])
    whole = ~(signals.max(axis=2) == signals.min(axis=2)).any(axis=1) & (signals != MISSING_SAMPLE).all(axis=(1, 2))
    deviations = signals[whole].transpose(1, 0, 2).reshape(12, -1) * 0.005 - np.array(
        store.manifest["lead_mean_mv"]
    ).reshape(-1, 1)
    assert np.allclose(covariance, covariance.T)
    assert np.allclose(covariance, deviations @ deviations.T / deviations.shape[1], rtol=0.1, atol=2e-3)


def test_records_that_all_lack_a_lead_are_refused(tiny_store: Path) -> None:
    store = Store.open(tiny_store)
    flat = plain_preparation(store)
    flat.limit_mv = 0.0  # pins every lead
    with pytest.raises(ConfigError, match="choose laws or none"):
        lead_covariance_mv2(store, np.arange(5), flat)


@pytest.mark.slow
def test_a_run_saves_what_completes_leads_and_evaluates_with_it(
    command: Command, quick_settings: list[str], tiny_store: Path, workspace: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    learnt = ("method=ecg_only", "waveform.complete_leads=learned", "augmentation=robust", "trainer.max_epochs=1")
    assert command("train", *quick_settings, *learnt, f"hydra.run.dir={run}") == 0
    model, store = load_model(run), Store.open(tiny_store)
    assert model.facts.waveform.complete_leads == "learned"
    assert model.preparation.completion is not None

    steps = torch.from_numpy(np.array(store.waveforms[:8]))
    whole = model.preparation(steps)
    limbs = model.preparation(OnlyLeads(["I", "II"])(steps))
    scale_mv = model.preparation.lead_std_mv[2:6, None]
    assert ((limbs - whole)[:, 2:6] * scale_mv).abs().amax() < 0.02  # a step is 5 µV, and leads are rounded to it
    assert limbs[:, 6:].count_nonzero() > 0

    where = [f"run={run}", f"paths.stores={workspace}/stores"]
    assert command("evaluate", *where, "leads=[I,II]") == 0
    assert command("evaluate", *where, f"leads=[{','.join(LEADS[:6])}]") == 0
    fewer, more = sorted((run / "evaluation").glob("*.parquet"), key=lambda path: len(path.name))
    columns = pl.read_parquet(fewer).select(pl.col("^probability.*$")).columns
    difference = pl.read_parquet(fewer)[columns].to_numpy() - pl.read_parquet(more)[columns].to_numpy()
    assert np.abs(difference).max() < 0.05  # I and II tell what six limb leads do

    content = json.loads((run / "model" / "model.json").read_text())
    assert np.array(content["store"]["lead_covariance_mv2"]).shape == (12, 12)
