"""Masked reconstruction: what is masked is not seen, leads are reconstructed one by one, and no report is read."""

import pytest
import torch
from torch import Tensor

from ecgmm.models.methods.masked_reconstruction import MaskedReconstruction
from ecgmm.types import Batch
from tests.models.building import batch_of, build, rows_of

SMALL = ("sizes.tiny.tokeniser.segment_s=0.5",)  # eight patches of a record of 4 s


def built(*overrides: str) -> MaskedReconstruction:
    method = build("masked_reconstruction", "single_label", 0, *SMALL, *overrides)
    assert isinstance(method, MaskedReconstruction)
    return method.eval()


def records(n: int = 3) -> Batch:
    return rows_of(batch_of("single_label", n_times=400), torch.arange(n))


def parts(method: MaskedReconstruction, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Patches, places of those kept, and what is reconstructed of them all."""
    patches = method.ecg_encoder.cut(batch.waveforms)
    tokens = method.ecg_encoder.tokens(patches)
    kept = method.kept(tokens)
    chosen = tokens.gather(2, kept.unsqueeze(-1).expand(-1, -1, -1, tokens.shape[3]))
    states = method.ecg_encoder(chosen, torch.ones(patches.shape[:2], dtype=torch.bool))
    return patches, kept, method.reconstruct(states, kept, patches.shape[2])


def test_a_quarter_of_the_patches_of_each_lead_stays_drawn_for_each_lead() -> None:
    method, batch = built().train(), records(12)
    patches, kept, reconstructed = parts(method, batch)
    assert patches.shape == reconstructed.shape == (12, 12, 8, 50)
    assert kept.shape == (12, 12, 2)
    assert (kept[..., 0] != kept[..., 1]).all()
    assert len({tuple(lead) for lead in kept.flatten(0, 1).sort(dim=1).values.tolist()}) > 20, "28 pairs there are"


def test_outside_training_every_record_has_the_same_patches_masked_every_time() -> None:
    method, batch = built(), records()
    (_, first, _), (_, again, _) = parts(method, batch), parts(method, rows_of(batch, torch.tensor([1])))
    assert torch.equal(first[0], first[2])
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0, 0], first[0, 1]) or not torch.equal(first[0, 0], first[0, 2])


def test_what_is_masked_is_not_seen() -> None:
    method, batch = built(), records(1)
    patches, kept, before = parts(method, batch)
    hidden = torch.ones(patches.shape[:3], dtype=torch.bool).scatter(2, kept, False)
    other = torch.where(hidden.unsqueeze(-1), torch.randn_like(patches), patches).flatten(2)
    torch.testing.assert_close(parts(method, batch._replace(waveforms=other))[2], before)


def test_a_lead_is_decoded_from_its_own_states() -> None:
    method, batch = built(), records(1)
    tokens = method.ecg_encoder.tokens(method.ecg_encoder.cut(batch.waveforms))
    kept = method.kept(tokens)
    states = torch.randn(1, 12, 3, method.ecg_encoder.width)
    before = method.reconstruct(states, kept, 8)
    states[:, 5] += 1
    changed = (method.reconstruct(states, kept, 8) != before).flatten(2).any(dim=2)[0]
    assert changed.nonzero().flatten().tolist() == [5]


@pytest.mark.parametrize(("target", "expected"), [("normalised", 1.0), ("signal", 4.0)])
def test_the_error_counts_masked_patches_of_present_leads_by_hand(target: str, expected: float) -> None:
    method = built(f"method.target={target}")
    patches = torch.tensor([-2.0, 2.0]).repeat(25).expand(1, 12, 8, 50)
    kept = torch.arange(2).expand(1, 12, 2)
    guess = torch.zeros(1, 12, 8, 50)
    guess[:, :, :2] = 100  # what was seen does not count
    guess[:, 3] = 100  # nor does a lead that is missing
    present = torch.arange(12).expand(1, 12) != 3
    found = method.error(guess, patches, kept, present)
    torch.testing.assert_close(found, torch.tensor([expected]), atol=0.03, rtol=0)
    assert method.error(guess, patches, kept, torch.zeros_like(present)) == 0


def test_a_missing_lead_changes_nothing_for_the_others_whatever_stands_for_it() -> None:
    method, batch = built(), records(2)
    waveforms = batch.waveforms.clone()
    waveforms[:, 0] = 0  # the first lead, whose separator stands in where none is there
    logits = method(batch._replace(waveforms=waveforms)).logits
    with torch.no_grad():
        method.ecg_encoder.lead[0] += 1
    torch.testing.assert_close(method(batch._replace(waveforms=waveforms)).logits, logits)
    assert not torch.allclose(method(batch).logits, logits)


def test_each_stage_has_its_terms_and_no_report_is_read() -> None:
    method, batch = built(), records()
    terms = {}
    for stage in ("joint", "pretrain", "classify"):
        method.stage = stage
        terms[stage] = set(method.losses(method(batch), batch))
        shown = set() if stage == "classify" else {"reconstruction_error"}
        assert set(method.diagnostics(method(batch), batch)) == shown
    assert terms == {"joint": {"reconstruction", "cls"}, "pretrain": {"reconstruction"}, "classify": {"cls"}}
    assert method.label_free == ("linear_probe",)
    assert not method.learns_from_reports
