"""Figure 1: its shapes and counts are those of the model, whatever the model is made of."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import nn

from ecgmm.leads import LEADS
from ecgmm.models.ecg_encoders.convolutional import Convolutional
from ecgmm.models.ecg_encoders.resnet1d import ResNet1d
from ecgmm.models.ecg_encoders.spectrogram import SpectrogramResNet
from ecgmm.models.encoders import EcgEncoder, TextEncoder
from ecgmm.models.fusion import MeanGate, ScalarGate, VectorGate
from ecgmm.models.losses import CosineConsistency, OrthogonalConsistency, SquaredConsistency
from ecgmm.models.methods.gated_fusion import GatedFusion
from ecgmm.models.text_encoders.attention_pooling import AttentionPooling
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.reporting.architecture import layers, n_parameters, trace
from ecgmm.reporting.drawing import save
from ecgmm.reporting.figure1 import Model, build, draw_model, main
from ecgmm.runs.run import find_runs
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.signal.preparation import WaveformPreparation
from tests.reporting.simulated_runs import write_run

DIM, N_TIMES = 16, 1000
PREPARATION = WaveformPreparation([0.0] * 12, [0.2] * 12, 5.0, 100, 10.0, None)
FACTS = ModelFacts.model_validate(
    {
        "task": "single_label",
        "class_names": ["NORM", "MI", "CD"],
        "labels": "superclass",
        "tokeniser": "WordTokeniser",
        "text_policy": "full",
        "max_tokens": 64,
        "method": {},
        "waveform": {"limit_mv": 10.0, "highpass_hz": None},
        "store": {
            "rate_hz": 100,
            "n_times": N_TIMES,
            "uv_per_step": 5.0,
            "leads": list(LEADS),
            "lead_mean_mv": [0.0] * 12,
            "lead_std_mv": [0.2] * 12,
        },
    }
)


def conv() -> EcgEncoder:
    return Convolutional(DIM, 100, [8, 16], 0.09, 50, 5, dropout=0.1)


def resnet() -> EcgEncoder:
    return ResNet1d(DIM, 18, width=8, dropout=0.1)


def spectrogram() -> EcgEncoder:
    return SpectrogramResNet(DIM, 100, 0.64, 0.16, 40, hidden_sizes=[8, 16], depths=[1, 1], dropout=0.1)


def attention() -> TextEncoder:
    return AttentionPooling(30, DIM, dropout=0.1)


def bert() -> TextEncoder:
    from transformers import BertConfig

    config = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16)
    return Transformer(None, 30, DIM, trainable_layers=None, dropout=0.1, config=config)


def model_of(
    ecg: Callable[[], EcgEncoder] = conv,
    text: Callable[[], TextEncoder] = attention,
    gate: nn.Module | None = None,
    consistency: SquaredConsistency | None = None,
    lambda_cons: float = 0.1,
) -> Model:
    method = GatedFusion(
        ecg(),
        text(),
        gate or ScalarGate(DIM),
        consistency or SquaredConsistency(),
        nn.CrossEntropyLoss(),
        n_classes=3,
        dropout=0.1,
        lambda_cons=lambda_cons,
    ).eval()
    return Model(method, PREPARATION, FACTS, trace(method, PREPARATION, N_TIMES))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


@pytest.mark.parametrize(("ecg", "text"), [*product((conv, resnet, spectrogram), (attention, bert))])
def test_lines_sum_to_their_box_and_boxes_to_the_model(
    ecg: Callable[[], EcgEncoder], text: Callable[[], TextEncoder]
) -> None:
    model = model_of(ecg, text)
    assert sum(line.n_parameters for line in model.ecg) == model.counts["ecg_encoder"]
    assert sum(line.n_parameters for line in model.text) == model.counts["text_encoder"]
    total = sum(parameter.numel() for parameter in model.method.parameters())
    assert sum(model.counts.values()) == total == n_parameters(model.method)
    shown = texts(draw_model(model))
    assert any(text.startswith(f"{total:,} parameters = ") for text in shown)
    assert f"{model.counts['text_encoder']:,} parameters" in shown


def test_layers_and_shapes_are_those_of_the_modules() -> None:
    ecg, text = model_of().ecg, model_of().text
    assert [(line.label, line.shape) for line in ecg] == [
        ("Conv 12 → 8, kernel 9, stride 2", "[B, 8, 1, 250]"),
        ("Conv 8 → 16, kernel 5", "[B, 16, 1, 125]"),
        ("GlobalPooling: Linear 32 → 16", "[B, 16]"),
    ]
    assert ecg[0].n_parameters == 12 * 8 * 9 + 2 * 8, "weights, and scale and shift of the norm"
    assert ecg[0].extras == ("BatchNorm", "MaxPool", "ReLU")
    assert ("Embedding 30 × 16", "[B, N, 16]", 480) in [(line.label, line.shape, line.n_parameters) for line in text]
    assert ("query, learned", "[16]", 16) in [(line.label, line.shape, line.n_parameters) for line in text]


def test_blocks_of_one_kind_and_shape_are_one_line() -> None:
    assert [line.label for line in model_of(resnet).ecg[1:-1]] == ["2 × ResidualBlock"] * 4
    assert "3 × BertLayer" in [line.label for line in model_of(text=bert).text]
    assert next(line for line in model_of(spectrogram).ecg if line.label == "Spectrogram").n_parameters == 0


@pytest.mark.parametrize(
    ("gate", "shape", "count", "consistency"),
    [
        (ScalarGate(DIM), "[B, 1]", 32, SquaredConsistency()),
        (VectorGate(DIM), "[B, 16]", 512, OrthogonalConsistency()),
        (MeanGate(), "[B, 1]", 0, CosineConsistency()),
    ],
)
def test_the_gate_and_the_consistency_that_the_run_has_are_shown(
    gate: nn.Module, shape: str, count: int, consistency: SquaredConsistency
) -> None:
    shown = texts(draw_model(model_of(gate=gate, consistency=consistency, lambda_cons=0.3)))
    assert any("alpha" in text and f"   {shape}," in text for text in shown)
    assert f"{count:,}" in shown
    assert any(text.endswith("λ = 0.3") for text in shown)
    assert any(
        ("cos" in text) == isinstance(consistency, CosineConsistency) for text in shown if "CrossEntropy" in text
    )


def test_tracing_leaves_the_model_as_it_was() -> None:
    method = model_of().method
    assert not any(module._forward_hooks for module in method.modules())
    assert layers(method.get_submodule("ecg_encoder"), {})[0].shape == ""


def test_files_of_a_trained_run_are_the_same_bytes_whenever_they_are_drawn(
    command: Callable[..., int], quick_settings: list[str], tmp_path: Path
) -> None:
    settings = ["trainer.max_epochs=1", "data.rate_hz=100", f"hydra.run.dir={tmp_path}/run"]
    assert command("train", *quick_settings, *settings) == 0
    for out in ("a", "b"):
        save(build(find_runs([tmp_path / "run"])[0]), tmp_path / out)
    for name in ("figure1.pdf", "figure1.png", "figure1.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    caption = (tmp_path / "a" / "figure1.txt").read_text()
    assert "SYNTHETIC" in caption


def test_runs_without_the_method_or_without_a_model_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "a", "concat", 1)
    assert main([str(tmp_path)]) == 2
    assert "method=gated_fusion" in capsys.readouterr().err
    write_run(tmp_path / "b", "gated_fusion", 1)
    assert main([str(tmp_path)]) == 2
    assert "holds no model" in capsys.readouterr().err
