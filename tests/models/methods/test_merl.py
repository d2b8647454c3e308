"""MERL: attention pooling by hand, the two views of a waveform, and which records take part in which alignment."""

import pytest
import torch
from torch.nn.functional import gelu

from ecgmm.models.contrastive import cosine, info_nce, same_report
from ecgmm.models.methods.merl import ClassTokenPooling, Merl
from tests.models.building import TEXTS, batch_of, build, rows_of


def built(*overrides: str) -> Merl:
    method = build("merl", "single_label", 0, *overrides)
    assert isinstance(method, Merl)
    return method


def test_the_class_token_averages_itself_and_the_features_by_hand() -> None:
    pooling = ClassTokenPooling(n_channels=1, dim=2, n_heads=1)
    with torch.no_grad():
        pooling.tokens.weight.copy_(torch.tensor([[1.0], [0.0]]))
        pooling.class_token.copy_(torch.tensor([[[0.0, 3.0]]]))
        pooling.attention.in_proj_weight.zero_()  # all keys alike: attention is a mean
        pooling.attention.in_proj_weight[4:].copy_(torch.eye(2))
        for part in (pooling.attention.out_proj, pooling.projection):
            part.weight.copy_(torch.eye(2))
        for bias in (pooling.tokens.bias, pooling.projection.bias):
            bias.zero_()
    # Tokens (0, 3), (1, 0) and (5, 0).
    torch.testing.assert_close(pooling(torch.tensor([[[1.0, 5.0]]])), torch.tensor([[2.0, 1.0]]))


def test_dropout_alone_changes_the_views_of_a_waveform() -> None:
    method, batch = built("method.view_dropout=0.5"), batch_of("single_label")
    h_e = torch.ones(len(batch.rows), method.ecg_encoder.dim)
    first = method.views[0]
    assert not torch.equal(first(h_e), first(h_e))
    assert torch.equal(first.eval()(h_e), first(h_e))
    assert not torch.equal(method.views[1].eval()(h_e), first(h_e)), "two maps, as published"


def test_both_alignments_are_info_nce_of_the_records_that_have_what_they_compare() -> None:
    method, batch = built().eval(), batch_of("single_label", complete=False)
    output = method(batch)
    pairs, waveforms = batch.is_pair, batch.has_waveform
    p_e, p_t = output.extra["ecg_projection"][pairs], output.extra["text_projection"][pairs]
    same = same_report(batch.token_ids[pairs], batch.token_mask[pairs])
    first, second = output.extra["first_view"][waveforms], output.extra["second_view"][waveforms]
    expected = {
        "cross_modal": info_nce(cosine(p_e, p_t) / 0.07, same),
        "uni_modal": info_nce(cosine(first, second) / 0.07, torch.eye(len(first), dtype=torch.bool)),
    }
    torch.testing.assert_close(method.pair_losses(output, batch), expected)
    assert method.loss_weights == {"uni_modal": 1.0}


def test_reports_and_classes_go_through_one_projection_and_labels_never_reach_pre_training() -> None:
    method, batch = built().eval(), batch_of("single_label")
    ids, mask = TEXTS.encode(["left bundle branch block"])
    embedded = method.text_projection(gelu(method.text_encoder(ids, mask)))
    torch.testing.assert_close(method.project_text(ids, mask), embedded)
    method.stage = "pretrain"
    assert set(method.losses(method(batch), batch)) == {"cross_modal", "uni_modal"}


@pytest.mark.parametrize("keep", [[], [3]])
def test_fewer_than_two_records_have_nothing_to_align(keep: list[int]) -> None:
    method, batch = built().eval(), batch_of("single_label")
    present = torch.zeros(len(batch.rows), dtype=torch.bool)
    present[keep] = True
    batch = batch._replace(has_waveform=present)
    assert all(loss == 0 for loss in method.pair_losses(method(batch), batch).values())
    one = rows_of(batch_of("single_label"), torch.tensor([3]))
    assert all(loss == 0 for loss in method.pair_losses(method(one), one).values())
