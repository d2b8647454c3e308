"""``compile=true``: the same numbers, the same names of weights, and a saved model that needs no compiler."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from ecgmm.errors import ConfigError
from ecgmm.training.compiling import compile_encoder
from tests.models.building import batch_of, build


@pytest.fixture
def compiled_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> list[torch.nn.Module]:
    """Compile with the backend that traces and differentiates as the default one does, and generates no code."""
    original, compiled = torch.nn.Module.compile, []

    def compile_(module: torch.nn.Module) -> None:
        compiled.append(module)
        original(module, backend="aot_eager")

    monkeypatch.setattr(torch.nn.Module, "compile", compile_)
    return compiled


@pytest.mark.parametrize("name", ["gated_fusion", "cross_modal_transformer"])
def test_output_and_gradients_are_equal_and_names_stay(
    name: str, compiled_without_a_compiler: list[torch.nn.Module]
) -> None:
    batch, results = batch_of("single_label"), []
    for compiled in (False, True):
        method = build(name).eval()
        if compiled:
            compile_encoder(method)
        logits = method(batch).logits
        logits.square().sum().backward()
        gradients = {key: weight.grad for key, weight in method.named_parameters() if weight.grad is not None}
        results.append((logits.detach(), gradients, list(method.state_dict())))
    torch.testing.assert_close(results[1][0], results[0][0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(results[1][1], results[0][1], atol=1e-4, rtol=1e-3)
    assert results[1][2] == results[0][2]
    assert compiled_without_a_compiler


def test_a_compiled_run_is_saved_as_any_other(
    command: Callable[..., int],
    quick_settings: list[str],
    tmp_path: Path,
    compiled_without_a_compiler: list[torch.nn.Module],
) -> None:
    settings = [*quick_settings, "trainer.precision=32-true", "trainer.max_epochs=1"]
    for name in ("false", "true"):
        assert command("train", *settings, f"compile={name}", f"hydra.run.dir={tmp_path / name}") == 0
    assert compiled_without_a_compiler
    weights = [load_file(tmp_path / name / "model" / "model.safetensors") for name in ("false", "true")]
    assert weights[0].keys() == weights[1].keys()
    frames = [pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("false", "true")]
    first, second = (
        torch.from_numpy(frame.select(pl.selectors.starts_with("probability")).to_numpy()) for frame in frames
    )
    torch.testing.assert_close(first, second, atol=2e-2, rtol=0.0)


def test_a_method_without_waveform_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match="compile=true and method=text_only"):
        compile_encoder(build("text_only"))
