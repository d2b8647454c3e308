"""ECG-Doctor: what it measures, what it tells, and that nothing of the waveform passes its bottleneck."""

import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor

from ecgmm.data.synthetic.cohort import sample_cohort
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.state import sample_states
from ecgmm.data.synthetic.waveform import sample_recordings, simulate, true_intervals
from ecgmm.models.methods.ecg_doctor import EcgDoctor, in_units, standardised
from ecgmm.types import INTERVALS, Batch
from tests.models.building import N_RECORDS, batch_of, build, rows_of

WITHIN = 0.05
"""Largest relative error of a rate that counts as right."""


def ecg_doctor(*overrides: str) -> EcgDoctor:
    method = build("ecg_doctor", "single_label", 0, *overrides)
    assert isinstance(method, EcgDoctor)
    return method.eval()


def one(batch: Batch, row: int) -> Batch:
    return rows_of(batch, torch.tensor([row]))


@torch.no_grad()
def told(method: EcgDoctor, batch: Batch) -> list[str]:
    return method.explain(batch)


def test_measurements_come_back_from_their_common_size() -> None:
    intervals = torch.tensor(
        [[62.0, 140.0, 88.0, 410.0, 45.0, -179.0, 170.0], [75.0, 160.0, 100.0, 400.0, 0.0, 0.0, 0.0]]
    )
    common = standardised(intervals)
    torch.testing.assert_close(in_units(common), intervals)
    torch.testing.assert_close(common[1], torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))


def test_axes_on_both_sides_of_180_degrees_are_close() -> None:
    left, right = torch.full((2, 1, 7), 100.0)
    left[:, 4:], right[:, 4:] = 179.0, -179.0
    assert (standardised(left) - standardised(right)).abs().max() < 0.04


def test_measurement_loss_by_hand() -> None:
    method, batch = ecg_doctor(), rows_of(batch_of("single_label"), torch.arange(3))
    intervals = torch.full((3, 7), torch.nan)
    intervals[0, 0] = 85.0  # half a standard deviation above the prediction: 0.5 * 0.5^2
    intervals[1, 1] = 250.0  # three above: 3 - 0.5
    intervals[2] = 100.0  # of a record without a waveform
    batch = batch._replace(intervals=intervals, has_waveform=torch.tensor([True, True, False]))
    output = method(batch)
    output.extra["measurements"] = torch.zeros(3, 10)
    assert method.losses(output, batch)["measurements"].item() == pytest.approx((0.125 + 2.5) / 2)
    nothing = batch._replace(intervals=torch.full((3, 7), torch.nan))
    assert method.losses(output, nothing)["measurements"].item() == 0


def test_nothing_but_findings_and_measurements_passes_the_bottleneck() -> None:
    method, batch = ecg_doctor("method.queries.bottleneck=true"), batch_of("single_label")
    with torch.no_grad():
        for head in (method.findings_head, method.measurements_head):
            head.weight.zero_()
        method.measurements_head.bias[-1] = -100  # nor the rate that was counted
    other = batch._replace(waveforms=batch.waveforms.roll(1, dims=0))
    torch.testing.assert_close(method(other).logits, method(batch).logits)


def test_without_a_bottleneck_the_embedding_reaches_the_language_model_of_records_with_a_waveform() -> None:
    method, batch = ecg_doctor("method.queries.bottleneck=false"), batch_of("single_label", complete=False)
    with torch.no_grad():
        for head in (method.findings_head, method.measurements_head):
            head.weight.zero_()
        method.measurements_head.bias[-1] = -100
    other = batch._replace(waveforms=batch.waveforms + 1)
    changed = (method(other).logits - method(batch).logits).abs().amax(dim=1) > 1e-6
    assert changed.tolist() == batch.has_waveform.tolist()


def test_answers_follow_findings_and_measurements() -> None:
    method, batch = ecg_doctor(), batch_of("single_label")
    for head in (method.findings_head, method.measurements_head):
        before = method(batch).logits
        with torch.no_grad():
            head.bias.add_(1)
        assert not torch.allclose(method(batch).logits, before)


def test_the_carts_numbers_are_targets_and_no_input() -> None:
    method, batch = ecg_doctor(), batch_of("single_label")
    other = batch._replace(intervals=batch.intervals.roll(1, dims=0))
    assert torch.equal(method(other).logits, method(batch).logits)
    assert told(method, one(other, 3)) == told(method, one(batch, 3))


def measured(lines: list[str]) -> list[str]:
    return [line.split(":")[0] for line in lines if not line.startswith("finding")]


def test_tells_only_what_it_was_taught_to_measure() -> None:
    method, batch = ecg_doctor(), batch_of("single_label")
    output = method(batch)
    nothing = batch._replace(intervals=torch.full((N_RECORDS, 7), torch.nan))
    method.train().losses(output, nothing)
    assert measured(told(method.eval(), one(batch, 0))) == []
    method.losses(output, batch)  # validation teaches nothing
    assert measured(told(method, one(batch, 0))) == []
    intervals = nothing.intervals.clone()
    intervals[4, [0, 2, 5]] = 90.0
    method.train().losses(output, nothing._replace(intervals=intervals))
    lines = told(method.eval(), one(batch, 0))
    assert measured(lines) == ["rate", "qrs", "qrs axis"]
    assert [line.split()[-1] for line in lines[-3:]] == ["bpm", "ms", "degrees"]
    again = ecg_doctor()
    again.load_state_dict(method.state_dict())
    assert told(again, one(batch, 0)) == lines


def test_tells_the_likeliest_findings_first_and_nothing_without_a_waveform() -> None:
    method, batch = ecg_doctor(), batch_of("single_label", complete=False)
    findings = [line for line in told(method, one(batch, 5)) if line.startswith("finding")]
    probabilities = [float(line.rsplit(" ", 1)[1]) for line in findings]
    assert len(findings) == 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert probabilities[0] == pytest.approx(method(one(batch, 5)).extra["findings"].sigmoid().max().item(), abs=0.005)
    assert told(method, one(batch, 2)) == []


def test_works_without_any_finding() -> None:
    method = build("ecg_doctor", "single_label", 0, "from_data.n_findings=0")
    assert isinstance(method, EcgDoctor)
    assert method.findings_head.out_features == 0


@pytest.fixture(scope="module")
def clean() -> tuple[Tensor, Tensor]:
    """Noiseless synthetic waveforms at 100 Hz as z-scores, and their true rates and intervals as targets."""
    config = SyntheticConfig(n_patients=140, seed=5, noise=0, lead_loss=0, missing_samples=0, amplitude_outliers=0)
    rng = np.random.default_rng(config.seed)
    patients = sample_cohort(rng, config).patient
    recordings = sample_recordings(rng, patients, sample_states(rng, patients, config), config)
    steps = simulate(recordings, config.seed, np.arange(len(patients)))
    waveforms: NDArray[np.float32] = resample_poly(steps.transpose(0, 2, 1).astype(np.float32), 1, 5, axis=2)
    waveforms = waveforms / waveforms.std(axis=(0, 2), keepdims=True)
    true = true_intervals(recordings)
    named = {
        "rate_bpm": 60_000 / true.rr_ms,
        "pr_ms": true.pr_ms,
        "qrs_ms": true.qrs_ms,
        "qt_ms": true.qt_ms,
        "p_axis_deg": true.p_axis_deg,
        "qrs_axis_deg": true.qrs_axis_deg,
        "t_axis_deg": true.t_axis_deg,
    }
    intervals = np.stack([named[name] for name in INTERVALS], axis=1)
    return torch.from_numpy(waveforms), torch.from_numpy(intervals).float()


@pytest.mark.slow
def test_told_rate_is_within_five_percent_of_the_truth_on_clean_records(clean: tuple[Tensor, Tensor]) -> None:
    waveforms, intervals = clean
    n_train, n = 192, len(waveforms)
    method = ecg_doctor().train()
    optimizer = torch.optim.AdamW(method.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)

    def batch_with(rows: Tensor) -> Batch:
        some = rows_of(batch_of("single_label"), torch.arange(len(rows)) % N_RECORDS)
        return some._replace(waveforms=waveforms[rows], intervals=intervals[rows])

    for _ in range(6):
        for rows in torch.randperm(n_train, generator=generator).split(32):
            batch = batch_with(rows)
            optimizer.zero_grad()
            method.total_loss(method.losses(method(batch), batch)).backward()
            optimizer.step()
    method.eval()
    printed = "\n".join(line for row in range(n_train, n) for line in told(method, batch_with(torch.tensor([row]))))
    rates = torch.tensor([float(rate) for rate in re.findall(r"^rate: (\d+) bpm$", printed, re.MULTILINE)])
    errors = (rates / intervals[n_train:, 0] - 1).abs()
    share = (errors <= WITHIN).float().mean().item()
    assert share >= 0.97, f"{share:.3f} of {n - n_train} rates within 5 %, median error {errors.median():.4f}"
