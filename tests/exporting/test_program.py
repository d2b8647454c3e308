"""The parts of a program have the numbers of Python: filter, repair, calibration, and what is missing."""

import numpy as np
import pytest
import torch

from ecgmm.errors import ConfigError
from ecgmm.evaluation.calibration import apply_temperature
from ecgmm.evaluation.metrics import TaskKind
from ecgmm.exporting.formats import expected_of
from ecgmm.exporting.program import (
    CALIBRATED,
    MILLIVOLTS,
    STATEMENT_IDS,
    TOKEN_IDS,
    TOKEN_MASK,
    DriftConvolution,
    Program,
)
from ecgmm.exporting.records import batch_from, inputs_from, simulated_records, with_halves_missing
from ecgmm.models.ecg_encoders.spectrogram import Spectrogram
from ecgmm.signal.drift import remove_drift
from ecgmm.signal.missing import bridge_gaps
from ecgmm.types import MISSING_SAMPLE
from tests.exporting.conftest import N_TIMES, saved


@pytest.mark.parametrize(("n_times", "highpass_hz"), [(1000, 0.5), (999, 0.5), (300, 0.05), (1000, 5.0)])
def test_the_convolution_is_the_drift_filter(n_times: int, highpass_hz: float) -> None:
    signals_mv = torch.randn(2, 12, n_times, generator=torch.Generator().manual_seed(0))
    expected = remove_drift(signals_mv, 100, highpass_hz)
    torch.testing.assert_close(DriftConvolution(n_times, 100, highpass_hz)(signals_mv), expected, atol=1e-5, rtol=0)


def test_gaps_are_bridged_for_export_as_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    signals, missing = torch.randn(5, 12, 77, generator=generator), torch.rand(5, 12, 77, generator=generator) < 0.5
    missing[0, 0], missing[1, 1], missing[2, 2, :9], missing[3, 3, 50:] = True, False, True, True
    expected = bridge_gaps(signals, missing)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    assert torch.equal(bridge_gaps(signals, missing), expected)


@pytest.mark.parametrize("rate_hz", [100, 250])
def test_a_spectrogram_for_export_is_that_of_python(rate_hz: float, monkeypatch: pytest.MonkeyPatch) -> None:
    transform = Spectrogram(rate_hz, window_s=0.5, hop_s=0.05, max_hz=40)
    waveforms = torch.randn(2, 12, 4 * int(rate_hz), generator=torch.Generator().manual_seed(0))
    expected = transform(waveforms)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(transform(waveforms), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_calibration_is_that_of_the_tables_however_sure_the_model(task: TaskKind, temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0, -2.0], [30.0, -30.0, 0.0], [-80.0, 80.0, 3.0], [5.0, 5.0, 5.0]])
    program = Program(saved("ecg_only", task), temperature)
    raw = (logits.double().softmax(1) if task == "single_label" else logits.double().sigmoid()).numpy()
    np.testing.assert_allclose(program.calibrated(logits), apply_temperature(raw, temperature, task), atol=1e-6)


@pytest.mark.parametrize("name", ["gated_fusion", "evidence_fusion", "text_only", "bag_of_statements"])
def test_a_program_says_what_the_model_says_whatever_is_missing(name: str) -> None:
    model = saved(name, "multi_label", highpass_hz=0.5)
    batch = with_halves_missing(simulated_records(model, 6))
    program = Program(model, 1.7).eval()
    with torch.no_grad():
        given = program(*inputs_from(batch, program.inputs, program.mv_per_step))
    expected = expected_of(model, 1.7, batch)
    assert given.keys() == expected.keys()
    for output, values in expected.items():
        np.testing.assert_allclose(given[output], values, atol=1e-5, err_msg=output)


def test_a_program_takes_what_the_method_looks_at() -> None:
    assert Program(saved("ecg_clip"), 1.0).inputs == (MILLIVOLTS,)
    assert Program(saved("concat"), 1.0).inputs == (MILLIVOLTS, TOKEN_IDS, TOKEN_MASK)
    assert Program(saved("bag_of_statements"), 1.0).inputs == (STATEMENT_IDS,)
    with pytest.raises(ConfigError, match="majority looks at no input"):
        Program(saved("majority"), 1.0)


def test_samples_are_those_of_the_store_whatever_lies_between_its_steps() -> None:
    """Up to half a step of 5 µV changes nothing, as it does for a record that is prepared."""
    model = saved("ecg_only")
    program = Program(model, 1.0).eval()
    batch = simulated_records(model, 3)
    (millivolts,) = inputs_from(batch, [MILLIVOLTS], program.mv_per_step)
    moved, (z_scores, _) = program.prepared(millivolts + 0.0024)[0], program.prepared(millivolts)
    assert torch.equal(moved, z_scores)
    assert torch.equal(z_scores, model.preparation(batch.waveforms))
    assert not torch.equal(program.prepared(millivolts + 0.0026)[0], z_scores)


def test_simulated_records_are_ecgs_with_reports_and_come_back_from_millivolts() -> None:
    model = saved("gated_fusion")
    batch = simulated_records(model, 4)
    assert batch.waveforms.shape == (4, 12, N_TIMES)
    assert (batch.waveforms[0] == MISSING_SAMPLE).any()
    assert batch.has_report.all()
    assert batch.has_waveform.all()
    names = (MILLIVOLTS, TOKEN_IDS, TOKEN_MASK, STATEMENT_IDS)
    arrays = dict(zip(names, inputs_from(batch, names, 0.005), strict=True))
    again = batch_from(arrays, 0.005)
    assert all(torch.equal(one, other) for one, other in zip(batch, again, strict=True) if not one.isnan().any())
    assert CALIBRATED in expected_of(model, 1.0, again)
