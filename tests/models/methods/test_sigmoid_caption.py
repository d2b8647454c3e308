"""Sigmoid alignment with a writer: equal reports count once, the writer sees the past alone, and what it is shown."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ecgmm.models.contrastive import cosine, sigmoid_loss_of_reports
from ecgmm.models.methods.sigmoid_caption import QueryPooling, SigmoidCaption
from ecgmm.models.report_writer import ReportWriter
from tests.models.building import TOKENISER, batch_of, build, rows_of


def built() -> SigmoidCaption:
    method = build("sigmoid_caption")
    assert isinstance(method, SigmoidCaption)
    return method.eval()


def writer(seed: int = 0) -> ReportWriter:
    torch.manual_seed(seed)
    return ReportWriter(vocabulary_size=9, width=8, n_layers=2, n_heads=2, dropout=0.1).eval()


def test_a_query_finds_what_it_resembles_by_hand() -> None:
    pooling = QueryPooling(n_queries=1, dim=2, n_heads=1)
    with torch.no_grad():
        pooling.queries.copy_(torch.tensor([[0.0, 100.0]]))
        pooling.attention.in_proj_weight.copy_(torch.eye(2).repeat(3, 1))
        pooling.attention.out_proj.weight.copy_(torch.eye(2))
    # The second token is the nearer one; its norm is (-1, 1).
    found = pooling(torch.tensor([[[5.0, 0.0], [1.0, 3.0]]]))
    torch.testing.assert_close(found, torch.tensor([[[-1.0, 1.0]]]), atol=1e-4, rtol=0)


def test_the_writer_scores_tokens_and_the_end_and_nothing_else() -> None:
    ids, seen = torch.tensor([[3, 4, 0], [5, 0, 0], [0, 0, 0]]), torch.randn(3, 2, 8)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)
    model = writer()
    nll, length = model(ids, mask, seen)
    assert length.tolist() == [3, 2, 0]
    assert nll[2] == 0
    logits = model.next_token_logits(torch.tensor([[9, 3, 4]]), seen[:1])
    torch.testing.assert_close(nll[0], cross_entropy(logits[0], torch.tensor([3, 4, 9]), reduction="sum"))


def test_a_token_is_predicted_from_those_before_it_and_from_the_waveform() -> None:
    model, seen = writer(), torch.randn(1, 2, 8)
    logits = model.next_token_logits(torch.tensor([[9, 3, 4, 5]]), seen)
    later = model.next_token_logits(torch.tensor([[9, 3, 6, 7]]), seen)
    torch.testing.assert_close(later[:, :2], logits[:, :2])
    assert not torch.allclose(later[:, 2:], logits[:, 2:])
    assert not torch.allclose(model.next_token_logits(torch.tensor([[9]]), -seen), logits[:, :1])


def test_what_is_written_is_the_likeliest_token_again_and_again() -> None:
    model, seen = writer(1), torch.randn(1, 2, 8)
    written = model.write(seen, max_tokens=5)
    assert len(written) <= 5
    logits = model.next_token_logits(torch.tensor([[9, *written]]), seen)[0]
    likeliest = logits.argmax(dim=-1).tolist()
    assert likeliest[: len(written)] == written
    assert len(written) == 5 or likeliest[-1] == 9


def test_the_sigmoid_loss_of_different_reports_is_the_published_one_and_repeated_pairs_change_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    ecg, text = torch.randn(4, 3, generator=generator), torch.randn(4, 3, generator=generator)
    logits, apart, all_there = 10 * cosine(ecg, text) - 5, torch.eye(4, dtype=torch.bool), torch.ones(4).bool()
    published = binary_cross_entropy_with_logits(logits, apart.float(), reduction="sum") / 4
    torch.testing.assert_close(sigmoid_loss_of_reports(logits, apart, all_there), published)
    index = torch.tensor([0, 1, 2, 3, 3, 1, 3])
    again = sigmoid_loss_of_reports(logits[index][:, index], index[:, None] == index, torch.ones(7).bool())
    torch.testing.assert_close(again, published)
    assert sigmoid_loss_of_reports(logits, apart, ~all_there) == 0


def test_records_that_lack_a_modality_take_no_part_in_either_term() -> None:
    method, batch = built(), batch_of("single_label", complete=False)
    kept = rows_of(batch, batch.is_pair)
    torch.testing.assert_close(method.pair_losses(method(batch), batch), method.pair_losses(method(kept), kept))
    assert method.loss_weights == {"caption": 2.0}


def test_a_report_of_another_record_is_not_learned() -> None:
    method, batch = built(), batch_of("single_label")
    foreign = batch._replace(report_is_own=torch.arange(len(batch.rows)) > 2)
    kept = rows_of(batch, torch.arange(3, len(batch.rows)))
    torch.testing.assert_close(method.pair_losses(method(foreign), foreign), method.pair_losses(method(kept), kept))


def test_it_says_the_report_that_it_writes_in_words_of_the_run() -> None:
    method, batch = built(), rows_of(batch_of("single_label"), torch.tensor([3]))
    heading, text = method.explain(batch)
    assert heading == "report written from the waveform:"
    assert set(text.replace(".", " ").split()) <= {*TOKENISER.words, "UNK", "[UNK]", "[PAD]"}
    assert method.explain(batch._replace(has_waveform=torch.tensor([False]))) == []


def test_labels_alone_ask_nothing_of_the_writer() -> None:
    method, batch = built(), batch_of("single_label")
    method.stage = "classify"
    output = method(batch)
    assert "report_nll" not in output.extra
    assert set(method.losses(output, batch)) == {"cls"}
