"""What makes the cross-modal transformer itself: one sequence of both modalities, and findings as a second task."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ecgmm.models.methods.cross_modal_transformer import CrossModalTransformer, at_most
from ecgmm.models.transformer_shape import sinusoids
from ecgmm.types import Batch
from tests.models.building import STATEMENTS, TEXTS, batch_of, build, rows_of


def model() -> CrossModalTransformer:
    method = build("cross_modal_transformer").eval()
    assert isinstance(method, CrossModalTransformer)
    return method


def masks_of(method: CrossModalTransformer, batch: Batch) -> Tensor:
    """What the joint transformer may not attend to: bool ``[B, n]``."""
    masks: list[Tensor] = []
    handle = method.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: masks.append(kwargs["src_key_padding_mask"]), with_kwargs=True
    )
    method(batch)
    handle.remove()
    return masks[0]


def test_runs_of_neighbouring_times_are_averaged() -> None:
    features = torch.arange(7.0).view(1, 1, 7)
    assert at_most(features, 3).flatten().tolist() == [1.0, 4.0, 6.0]  # runs of three; the last holds one time only
    assert at_most(features, 4).flatten().tolist() == [0.5, 2.5, 4.5, 6.0]
    assert torch.equal(at_most(features, 7), features)
    assert torch.equal(at_most(features, 32), features)


def test_places_by_hand() -> None:
    places = sinusoids(3, 4, torch.device("cpu"))
    assert places[0].tolist() == [0, 0, 1, 1]
    expected = [math.sin(2), math.sin(0.02), math.cos(2), math.cos(0.02)]
    assert places[2].tolist() == pytest.approx(expected)


def test_sequence_is_cls_then_waveform_then_report_and_what_is_missing_is_masked() -> None:
    method, batch = model(), batch_of("single_label", complete=False)  # 0 has no report, 1 neither, 2 no waveform
    n_ecg = 1 + at_most(method.ecg_encoder.features(batch.waveforms), method.max_ecg_tokens).shape[2]
    n_text = 1 + batch.token_ids.shape[1]
    masked = masks_of(method, batch)
    cls, ecg, text = masked.split([1, n_ecg, n_text], dim=1)
    assert not cls.any()
    assert ecg.all(dim=1).tolist() == ecg.any(dim=1).tolist() == (~batch.has_waveform).tolist()
    assert torch.equal(text[:, 0], ~batch.has_report)
    assert torch.equal(text[:, 1:], ~batch.token_mask)


def test_a_missing_modality_has_no_say_whatever_stands_in_its_place() -> None:
    method, batch = model(), batch_of("single_label")
    no_report = torch.zeros_like(batch.has_report)
    expected = method(batch._replace(has_report=no_report)).logits
    other = batch.token_ids.roll(1, dims=0)
    # The mask of tokens is left as it was, so that it is the report's absence that hides them.
    torch.testing.assert_close(method(batch._replace(has_report=no_report, token_ids=other)).logits, expected)
    neither = method(batch._replace(has_report=no_report, has_waveform=no_report)).logits
    torch.testing.assert_close(neither, neither[:1].expand_as(neither))


@pytest.mark.parametrize("part", ["waveforms", "token_ids"])
def test_either_modality_changes_the_logits_of_its_record_and_of_no_other(part: str) -> None:
    method, batch = model(), batch_of("single_label")
    changed = getattr(batch, part).clone()
    changed[3] = changed[4]
    others = {"token_mask": batch.token_mask.index_copy(0, torch.tensor([3]), batch.token_mask[4:5])}
    different = batch._replace(**{part: changed}, **(others if part == "token_ids" else {}))
    distance = (method(different).logits - method(batch).logits).abs().amax(dim=1)
    assert distance[3] > 1e-4
    assert distance[torch.arange(len(distance)) != 3].max() < 1e-5


def test_order_of_time_and_of_words_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    method, batch = model(), batch_of("single_label")
    monkeypatch.setattr(method.ecg_encoder, "features", lambda waveforms: waveforms[:, :, :32].repeat(1, 2, 1)[:, :16])
    straight = method(batch).logits
    backwards = batch._replace(waveforms=batch.waveforms[:, :, :32].flip(2))
    assert (method(backwards).logits - straight).abs().max() > 1e-4
    lengths = batch.token_mask.sum(dim=1)
    flipped = torch.stack(
        [torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(batch.token_ids, lengths, strict=True)]
    )
    assert (method(batch._replace(token_ids=flipped)).logits - straight).abs().max() > 1e-4


def test_findings_are_those_that_the_report_states() -> None:
    method, batch = model(), batch_of("single_label")
    names = method.stated_findings.names
    stated = method.stated_findings(batch.statement_ids)
    # Record 4: atrial fibrillation, first degree a-v block, left ventricular hypertrophy.
    found = {names[column] for column in stated[4].nonzero().flatten()}
    assert {STATEMENTS[4], STATEMENTS[9], STATEMENTS[7]} == {
        "atrial fibrillation",
        "first degree a-v block",
        "left ventricular hypertrophy",
    }
    assert len(found) == 3
    assert method(batch).extra["findings"].shape == (len(batch.rows), len(names))


def test_findings_loss_by_hand_and_blind_to_records_without_a_report() -> None:
    method, batch = model(), batch_of("single_label", complete=False)
    output = method(batch)
    probability = output.extra["findings"].double().sigmoid()
    stated = method.stated_findings(batch.statement_ids).bool()
    right = torch.where(stated, probability, 1 - probability)
    expected = -right[batch.has_report].log().mean()
    assert method.losses(output, batch)["findings"].item() == pytest.approx(expected.item(), rel=1e-5)

    output.extra["findings"] = torch.where(batch.has_report[:, None], output.extra["findings"], 50.0)
    assert method.losses(output, batch)["findings"].item() == pytest.approx(expected.item(), rel=1e-5)
    nobody = rows_of(batch, (~batch.has_report).nonzero().flatten())
    loss = method.losses(method(nobody), nobody)["findings"]
    assert loss.item() == 0
    loss.backward()


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_learns_without_any_findings() -> None:
    method = build("cross_modal_transformer", "single_label", 0, "from_data.n_findings=0")
    method.bind(replace(TEXTS, statements=("technically poor tracing",)))
    batch = batch_of("single_label")
    batch = batch._replace(statement_ids=torch.zeros_like(batch.statement_ids))
    losses = method.losses(method(batch), batch)
    assert losses["findings"].item() == 0
    assert losses["cls"].isfinite()


def test_total_is_classification_and_a_fifth_of_the_findings() -> None:
    method, batch = model(), batch_of("single_label")
    losses = method.losses(method(batch), batch)
    expected = losses["cls"] + 0.2 * losses["findings"]
    torch.testing.assert_close(method.total_loss(losses), expected)
