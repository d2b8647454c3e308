"""A small trained model, and models whose explanations can be worked out by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ecgmm.models.method import Method
from ecgmm.predicting.inputs import ModelInput, read_input
from ecgmm.runs.loading import SavedModel, load_model
from ecgmm.types import Batch, ModelOutput
from tests.data.preparation.test_single_record import beats
from tests.data.trees import write_record

REPORT = "Sinus rhythm. Left axis deviation. Abnormal ECG."


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explaining")


@pytest.fixture
def run(command: Callable[..., int], quick_settings: list[str], folder: Path) -> Path:
    """A finished run of ``gated_fusion``, trained once."""
    path = folder / "run"
    if not (path / "model").exists():
        settings = ["method=gated_fusion", "trainer.max_epochs=1", "trainer.precision=32-true", f"hydra.run.dir={path}"]
        assert command("train", *quick_settings, *settings) == 0
    return path


@pytest.fixture
def record(folder: Path) -> Path:
    if not (folder / "record.hea").exists():
        write_record(folder / "record", beats(0))
    return folder / "record"


@pytest.fixture
def model(run: Path) -> SavedModel:
    return load_model(run)


@pytest.fixture
def given(model: SavedModel, record: Path) -> ModelInput:
    return read_input(model, record, REPORT)


class Linear(Method):
    """Logit of the first class: the sum of weighted samples; all others are 0, so its log-odds are that less log 4."""

    name = "linear"
    inputs_at_test = ("ecg",)
    reference = "none"
    fidelity = "control"
    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__(nn.CrossEntropyLoss())
        self.register_buffer("weight", weight)  # no parameter: what is shuffled leaves it as it is

    def forward(self, batch: Batch) -> ModelOutput:
        logits = torch.zeros(len(batch.waveforms), 5)
        logits[:, 0] = (batch.waveforms * self.weight).sum(dim=(1, 2))
        return ModelOutput(logits)


@pytest.fixture
def weight() -> Tensor:
    """Weight of each sample: some of lead II count, nothing else does."""
    weight = torch.zeros(12, 1000)
    weight[1, 400:460] = torch.randn(60, generator=torch.Generator().manual_seed(0)) / 10
    return weight


@pytest.fixture
def linear(model: SavedModel, weight: Tensor) -> SavedModel:
    return replace(model, method=Linear(weight).eval())
