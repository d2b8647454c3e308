"""Files of torch.export and ONNX: equal to Python for any number of records and words, refused where they differ."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import ecgmm
from ecgmm.errors import ConfigError
from ecgmm.exporting import formats
from ecgmm.exporting.formats import LARGEST_DIFFERENCE, expected_of, export_program
from ecgmm.exporting.program import Program
from ecgmm.exporting.records import inputs_from, simulated_records, some_of
from tests.exporting.conftest import saved
from tests.models.building import METHODS

TO_TORCH = ("concat", "mean", "ecg_random", "ecg_clip", "masked_reconstruction")
"""Methods whose parts are those of others, or that keep autocast off in places: written by torch.export."""
AS_ANOTHER = ("majority", "merl", "sigmoid_caption")
"""Methods with nothing to export, or with the parts of ``fg_clep``: not written again, at six seconds each."""


@pytest.mark.slow
def test_an_onnx_file_answers_as_python_for_any_batch(tmp_path: Path) -> None:
    model, file = saved("ecg_only"), tmp_path / "model.onnx"
    comparison = export_program(model, 1.3, "onnx", file, None)
    assert comparison.differences.keys() == {"raw", "calibrated"}
    assert max(comparison.differences.values()) < LARGEST_DIFFERENCE
    assert "over 32 simulated records: raw" in str(comparison)
    session = onnxruntime.InferenceSession(file)
    program, records = Program(model, 1.3), simulated_records(model, 7)
    for batch in (records, some_of(records, [2]), some_of(records, [1, 4])):
        inputs = inputs_from(batch, program.inputs, program.mv_per_step)
        given = session.run(["calibrated"], {name: x.numpy() for name, x in zip(program.inputs, inputs, strict=True)})
        np.testing.assert_allclose(given[0], expected_of(model, 1.3, batch)["calibrated"], atol=1e-5)
    assert list(tmp_path.iterdir()) == [file]
    assert str(Path(ecgmm.__file__).parents[1]).encode() not in file.read_bytes()


@pytest.mark.slow
def test_a_program_of_torch_answers_as_python_and_holds_no_record_and_no_place(tmp_path: Path) -> None:
    model, file = saved("gated_fusion", highpass_hz=0.5), tmp_path / "model.pt2"
    comparison = export_program(model, 0.8, "torch", file, simulated_records(model, 3))
    assert comparison.differences.keys() == {"raw", "calibrated", "gate"}
    assert max(comparison.differences.values()) < LARGEST_DIFFERENCE
    assert comparison.stored
    loaded = torch.export.load(file)
    assert loaded.example_inputs is None
    assert str(Path(ecgmm.__file__).parents[1]).encode() not in file.read_bytes()
    records, names = simulated_records(model, 7), Program(model, 0.8).inputs
    for batch in (records, some_of(records, [2]), some_of(records, [1, 4])):
        with torch.no_grad():
            given = loaded.module()(*inputs_from(batch, names, 0.005))
        np.testing.assert_allclose(given["raw"], expected_of(model, 0.8, batch)["raw"], atol=1e-5)


def test_a_program_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = saved("ecg_only")
    moved = lambda *of: {name: values + 2e-5 for name, values in expected_of(*of).items()}  # noqa: E731 (one line is enough)
    monkeypatch.setattr(formats, "expected_of", moved)
    with pytest.raises(ConfigError, match=r"the exported ecg_only differs from Python by 2\.0e-05 in raw, more than"):
        export_program(model, 1.0, "torch", tmp_path / "model.pt2", None)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = saved("ecg_only")

    def waits(waveforms: torch.Tensor) -> torch.Tensor:
        return waveforms.mean(dim=2)[:, :1] * float(waveforms.max())

    monkeypatch.setattr(model.method, "ecg_encoder", None)
    monkeypatch.setattr(model.method, "forward", lambda batch: waits(batch.waveforms))
    with pytest.raises(ConfigError, match=r"ecg_only cannot be exported with format=torch .* format=bundle keeps"):
        export_program(model, 1.0, "torch", tmp_path / "model.pt2", None)


def test_the_command_writes_the_program_and_its_facts(
    closed_run: ecgmm.Run,
    command: Callable[..., int],
    workspace: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "model.pt2"
    settings = [str(closed_run.directory), "format=torch", f"out={file}", f"paths.stores={workspace}/stores"]
    assert command("export", *settings) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{file}: {file.stat().st_size / 1e6:.2f} MB"
    assert said[1].startswith("largest difference from Python over ")
    facts = json.loads((tmp_path / "model.pt2.json").read_text())
    assert facts["classes"] == closed_run.classes
    assert facts["inputs"] == ["millivolts", "token_ids", "token_mask"]
    assert facts["outputs"] == ["raw", "calibrated", "gate"]
    assert facts["compared_on"]["source"] == "stored"
    assert max(facts["differences"].values()) < LARGEST_DIFFERENCE
    assert command("export", *settings) == 2
    assert "is there already; name another file with out=..." in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in METHODS if name not in AS_ANOTHER])
def test_every_method_exports(name: str, tmp_path: Path) -> None:
    kind = "torch" if name in TO_TORCH else "onnx"
    comparison = export_program(saved(name, highpass_hz=0.5), 1.3, kind, tmp_path / "model", None)
    print(f"{name}, {kind}: {comparison}")
