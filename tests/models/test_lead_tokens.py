"""Tokens of leads: a missing lead has no say, any subset will do, and what training leaves out."""

import pytest
import torch
from torch import Tensor, nn

from ecgmm.models.ecg_encoders.lead_tokens import (
    ConvolutionalSegments,
    EcgTokens,
    LeadTokeniser,
    LeadTokens,
    LinearPatches,
    cut,
    kept_segments,
    leave_leads_out,
)

N_RECORDS, N_LEADS, WIDTH = 6, 12, 8
PRESENT = torch.ones(N_RECORDS, dtype=torch.bool)
KINDS = ("convolution", "convolution with norms", "linear")


def tokeniser(kind: str, rate_hz: float = 100) -> LeadTokeniser:
    if kind == "linear":
        return LinearPatches(rate_hz, segment_s=0.5, width=WIDTH)
    return ConvolutionalSegments(
        rate_hz,
        segment_s=1.0,
        width=WIDTH,
        channels=[4, 8],
        stem_kernel_s=0.2,
        stem_hz=20,
        kernel_size=3,
        batch_norm=kind == "convolution with norms",
    )


def encoder(kind: str, rate_hz: float = 100) -> LeadTokens:
    torch.manual_seed(0)
    return LeadTokens(
        tokeniser(kind, rate_hz),
        max_segments=20,
        width=WIDTH,
        n_layers=2,
        n_heads=2,
        feedforward_width=16,
        dropout=0.1,
        most_leads_out=3,
        segments_out=0.25,
    )


def waveforms(leads: list[int], n_times: int = 1000) -> Tensor:
    """Noise in some leads of every record, exact zeros in the others."""
    noise = torch.randn(N_RECORDS, N_LEADS, n_times, generator=torch.Generator().manual_seed(1))
    return noise * torch.isin(torch.arange(N_LEADS), torch.tensor(leads)).unsqueeze(-1)


class Disturbed(nn.Module):
    """A tokeniser that gives other tokens for leads that are missing."""

    def __init__(self, inner: LeadTokeniser) -> None:
        super().__init__()
        self.inner = inner
        self.n_samples = inner.n_samples

    def forward(self, segments: Tensor) -> Tensor:
        tokens: Tensor = self.inner(segments)
        missing = ~segments.any(dim=-1)
        tokens[missing] = 100 * torch.randn(tokens[missing].shape)
        return tokens


def seen(tokens: EcgTokens) -> Tensor:
    return tokens.states[tokens.mask]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leads", [list(range(11)), [0, 1, 7], [5], []])
def test_masked_leads_have_no_influence_whatever_stands_for_them(kind: str, leads: list[int]) -> None:
    model = encoder(kind).eval()
    tokens = model(waveforms(leads), PRESENT)
    model.tokeniser = Disturbed(model.tokeniser)
    disturbed = model(waveforms(leads), PRESENT)
    assert torch.equal(disturbed.mask, tokens.mask)
    assert torch.equal(seen(disturbed), seen(tokens))
    torch.testing.assert_close(disturbed.pooled(), tokens.pooled(), rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_place_of_a_missing_lead_has_no_influence_either(kind: str) -> None:
    model, signals = encoder(kind).eval(), waveforms([0, 3])
    before = model(signals, PRESENT).pooled()
    with torch.no_grad():
        model.lead[[1, 2, 11]] += torch.arange(WIDTH)
    assert torch.equal(model(signals, PRESENT).pooled(), before)
    with torch.no_grad():
        model.lead[3] += torch.arange(WIDTH)
    assert not torch.allclose(model(signals, PRESENT).pooled(), before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leads", [list(range(12)), [4], []])
@pytest.mark.parametrize("training", [True, False])
def test_any_subset_of_leads_gives_finite_states_and_gradients(kind: str, leads: list[int], training: bool) -> None:
    model = encoder(kind).train(training)
    pooled = model(waveforms(leads), PRESENT).pooled()
    assert pooled.isfinite().all()
    pooled.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_without_waveform_is_a_record_without_leads(kind: str) -> None:
    model = encoder(kind).eval()
    nothing = model(waveforms([]), PRESENT).pooled()
    torch.testing.assert_close(model(waveforms([0, 1]), ~PRESENT).pooled(), nothing, rtol=0, atol=0)
    assert not torch.allclose(model(waveforms([0, 1]), PRESENT).pooled(), nothing)


@pytest.mark.parametrize("kind", KINDS)
def test_records_do_not_see_each_other(kind: str) -> None:
    model, signals = encoder(kind).eval(), waveforms(list(range(12)))
    signals[0, 3:] = 0  # other leads are missing than in the other records
    together = model(signals, PRESENT).pooled()
    alone = torch.cat([model(signal[None], PRESENT[:1]).pooled() for signal in signals])
    torch.testing.assert_close(alone, together)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_wave_in_another_lead_is_another_record(kind: str) -> None:
    model, signals = encoder(kind).eval(), waveforms([2])
    moved = signals.roll(1, dims=1)
    assert not torch.allclose(model(moved, PRESENT).pooled(), model(signals, PRESENT).pooled())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", [100, 250, 500])
def test_number_of_tokens_does_not_depend_on_the_rate(kind: str, rate_hz: int) -> None:
    tokens = encoder(kind, rate_hz).eval()(waveforms(list(range(12)), n_times=10 * rate_hz), PRESENT)
    assert tokens.states.shape == (N_RECORDS, 1 + N_LEADS * (20 if kind == "linear" else 10), WIDTH)


def test_linear_patches_by_hand() -> None:
    patches = LinearPatches(rate_hz=4, segment_s=0.5, width=1)
    with torch.no_grad():
        patches.linear.weight.copy_(torch.tensor([[1.0, 10.0]]))
        patches.linear.bias.zero_()
    segments = cut(torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), patches.n_samples)
    assert patches(segments).tolist() == [[[[21.0], [43.0]]]]


def test_convolution_gives_mean_and_maximum_of_each_stretch_by_itself() -> None:
    torch.manual_seed(0)
    convolution = tokeniser("convolution")
    assert isinstance(convolution, ConvolutionalSegments)
    convolution.eval()
    segments = torch.randn(2, 3, 4, convolution.n_samples)
    features = convolution.layers(segments.reshape(24, 1, 1, -1)).squeeze(2)
    pooled = torch.cat([features.mean(dim=-1), features.amax(dim=-1)], dim=1)
    expected = convolution.linear(convolution.norm(pooled)).reshape(2, 3, 4, WIDTH)
    torch.testing.assert_close(convolution(segments), expected)
    torch.testing.assert_close(convolution(segments[:1, 1:2, 2:3]), expected[:1, 1:2, 2:3])


@pytest.mark.parametrize("kind", KINDS)
def test_training_without_what_is_left_out_equals_taking_it_out_of_all_tokens(kind: str) -> None:
    model, signals = encoder(kind), waveforms(list(range(12)))
    for part in model.modules():
        if not isinstance(part, LeadTokens):
            part.eval()  # batch norm and dropout are not the question
    torch.manual_seed(5)
    states, mask = model(signals, PRESENT)
    torch.manual_seed(5)
    present = leave_leads_out(torch.ones(N_RECORDS, N_LEADS, dtype=torch.bool), model.most_leads_out)
    segments = cut(signals, model.tokeniser.n_samples)
    tokens = model.tokeniser(segments) + model.lead + model.time[: segments.shape[2]]
    kept = kept_segments(segments.shape[:3], model.segments_out, signals.device)
    tokens = tokens.gather(2, kept.unsqueeze(-1).expand(-1, -1, -1, WIDTH))
    sequence = torch.cat([model.record.expand(N_RECORDS, 1, -1), tokens.flatten(1, 2)], dim=1)
    there = torch.cat([PRESENT.unsqueeze(1), present.repeat_interleave(kept.shape[2], dim=1)], dim=1)
    assert torch.equal(mask, there)
    torch.testing.assert_close(states[mask], model.transformer(sequence, src_key_padding_mask=~there)[mask])


def test_pooled_is_the_mean_of_the_tokens_that_are_there() -> None:
    tokens = EcgTokens(torch.tensor([[[1.0], [3.0], [1000.0]]]), torch.tensor([[True, True, False]]))
    assert tokens.pooled().tolist() == [[2.0]]


@pytest.mark.parametrize("kind", KINDS)
def test_training_leaves_out_leads_and_stretches_and_evaluation_nothing(kind: str) -> None:
    model, signals = encoder(kind), waveforms(list(range(12)))
    n_segments = signals.shape[2] // model.tokeniser.n_samples
    whole = model.eval()(signals, PRESENT)
    assert whole.mask.shape == (N_RECORDS, 1 + 12 * n_segments)
    assert whole.mask.all()
    assert torch.equal(model(signals, PRESENT).states, whole.states)
    n_kept = n_segments - round(0.25 * n_segments)
    masks = torch.cat([model.train()(signals, PRESENT).mask for _ in range(20)])
    assert masks.shape[1] == 1 + 12 * n_kept
    n_leads = (masks.sum(dim=1) - 1) / n_kept
    assert set(n_leads.tolist()) == {9.0, 10.0, 11.0, 12.0}


def test_missing_leads_are_the_first_to_be_left_out() -> None:
    present = torch.ones(200, 12, dtype=torch.bool)
    present[:, [0, 5, 7]] = False
    assert torch.equal(leave_leads_out(present, 3), present)  # nine are there and at least nine stay
    present[:, 0] = True
    n_kept = leave_leads_out(present, 3).sum(dim=1)
    assert set(n_kept.tolist()) == {9, 10}
    assert not (leave_leads_out(present, 3) & ~present).any()


def test_stretches_are_left_out_of_each_lead_on_their_own() -> None:
    kept = kept_segments((50, 12, 8), 0.25, torch.device("cpu"))
    assert kept.shape == (50, 12, 6)
    assert all(len(set(row.tolist())) == 6 for row in kept.flatten(0, 1))
    n_patterns = len({tuple(sorted(row.tolist())) for row in kept[0]})
    assert n_patterns > 1
    assert set(kept.unique().tolist()) == set(range(8))
