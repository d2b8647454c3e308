"""One tiny run whose vocabulary is closed, and its bundle, made once; models with fresh weights for the walk."""

import shutil
from pathlib import Path
from typing import Any, cast

import pytest
from omegaconf import OmegaConf

import ecgmm
from ecgmm.leads import LEADS
from ecgmm.runs.loading import SavedModel, build_preparation
from ecgmm.runs.saved_model import ModelFacts, ReadWith, Signal, Waveform
from tests.models.building import CLASSES, TOKENISER, VOCABULARY, Task, build, configured
from tests.tiny_runs import QUICK

N_TIMES = 400


def saved(name: str, task: Task = "single_label", highpass_hz: float | None = None) -> SavedModel:
    """A tiny method with fresh weights, as if it had been saved; 4 s at 100 Hz."""
    signal = Signal(
        rate_hz=100,
        n_times=N_TIMES,
        uv_per_step=5.0,
        leads=list(LEADS),
        lead_mean_mv=[0.01 * number for number in range(12)],
        lead_std_mv=[0.2 + 0.01 * number for number in range(12)],
        parameters=ReadWith(),
    )
    waveform = Waveform(
        limit_mv=10.0, highpass_hz=highpass_hz, complete_leads="none" if highpass_hz is None else "laws"
    )
    method = build(name, task).eval()
    facts = ModelFacts(
        task=task,
        class_names=list(CLASSES),
        labels="superclass",
        tokeniser="WordTokeniser",
        text_policy="full",
        max_tokens=64,
        method=cast(dict[str, Any], OmegaConf.to_container(configured(name, task))),
        waveform=waveform,
        store=signal,
    )
    return SavedModel(method, build_preparation(signal.plain(), waveform), TOKENISER, VOCABULARY, facts)


@pytest.fixture(scope="session")
def closed_run(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> ecgmm.Run:
    """A finished run of the paper's method with a closed vocabulary; nobody changes it."""
    folder = tmp_path_factory.mktemp("closed") / "run"
    return ecgmm.train(ecgmm.open_store(tiny_store), "gated_fusion", folder, text__vocabulary="closed", **QUICK)


@pytest.fixture(scope="session")
def made(closed_run: ecgmm.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle; nobody changes it."""
    return closed_run.export(tmp_path_factory.mktemp("made") / "bundle", "bundle").path


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    """A copy of the bundle to change."""
    return shutil.copytree(made, tmp_path / "bundle")
