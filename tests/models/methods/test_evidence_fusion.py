"""Evidence that adds up, and the answer where report and waveform do not belong together, worked out by hand."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, one_hot

from ecgmm.models.evidence import CHANGED, OwnHeads, PairDetector, Task, against_both
from ecgmm.models.methods.evidence_fusion import EvidenceFusion
from ecgmm.types import INTERVALS, Batch, ModelOutput
from tests.models.building import Given, batch_of, build

P_E, P_T, PRIOR, RATE = (0.8, 0.2), (0.3, 0.7), (0.5, 0.5), 0.1


class Answers(nn.Module):
    """Heads that take embeddings for logits."""

    n_classes = 2

    def forward(self, h_e: Tensor, h_t: Tensor) -> tuple[Tensor, Tensor]:
        return h_e, h_t


def method_of(task: Task = "single_label", detector: PairDetector | None = None) -> EvidenceFusion:
    criterion = nn.CrossEntropyLoss() if task == "single_label" else nn.BCEWithLogitsLoss()
    heads = Answers() if detector is None else OwnHeads(2, 2, dropout=0.0)
    return EvidenceFusion(Given(), Given(), heads, detector, criterion, task, 0.5, RATE)  # type: ignore[arg-type]  # stand-ins


def batch(h_e: Tensor, h_t: Tensor, has_waveform: bool = True, has_report: bool = True) -> Batch:
    n = len(h_e)
    rows, here = torch.arange(n), torch.ones(n, dtype=torch.bool)
    return Batch(
        waveforms=h_e,
        has_waveform=here & has_waveform,
        token_ids=h_t,
        token_mask=here.unsqueeze(1),
        statement_ids=rows.unsqueeze(1),
        has_report=here & has_report,
        labels=rows % 2,
        rows=rows,
        intervals=torch.full((n, len(INTERVALS)), torch.nan),
        report_is_own=here,
    )


def logs(shares: tuple[float, ...]) -> Tensor:
    return torch.tensor([shares]).log()


def test_mixture_by_hand() -> None:
    evidence = [e * t / p for e, t, p in zip(P_E, P_T, PRIOR, strict=True)]
    ratio = sum(evidence)
    foreign = RATE / (RATE + (1 - RATE) * ratio)
    expected = [(1 - foreign) * one / ratio + foreign * e for one, e in zip(evidence, P_E, strict=True)]
    output = method_of()(batch(logs(P_E), logs(P_T)))
    torch.testing.assert_close(output.logits.softmax(dim=1), torch.tensor([expected]))
    torch.testing.assert_close(output.readouts["as_pair"].softmax(dim=1), torch.tensor([evidence]) / ratio)
    torch.testing.assert_close(output.inconsistency, torch.tensor([-math.log(ratio)]))


def test_classes_that_do_not_exclude_one_another_add_evidence_one_by_one() -> None:
    p_e, p_t = torch.tensor([P_E]), torch.tensor([P_T])
    yes, no = p_e * p_t / 0.5, (1 - p_e) * (1 - p_t) / 0.5
    ratio = (yes + no).prod()
    foreign = RATE / (RATE + (1 - RATE) * ratio)
    output = method_of("multi_label")(batch(p_e.logit(), p_t.logit()))
    torch.testing.assert_close(output.logits.sigmoid(), (1 - foreign) * yes / (yes + no) + foreign * p_e)
    torch.testing.assert_close(output.inconsistency, -ratio.log().view(1))


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_one_modality_gets_exactly_that_modalitys_answer_and_none_the_prior(task: Task) -> None:
    method, h_e, h_t = method_of(task), torch.tensor([[2.0, -1.0]]), torch.tensor([[-3.0, 0.5]])
    with torch.no_grad():
        method.class_bias.copy_(torch.tensor([0.3, -0.3]))

    def probabilities(logits: Tensor) -> Tensor:
        return logits.softmax(dim=1) if task == "single_label" else logits.sigmoid()

    for has_waveform, has_report, expected in ((1, 0, h_e), (0, 1, h_t), (0, 0, method.class_bias.unsqueeze(0))):
        output = method(batch(h_e, h_t, bool(has_waveform), bool(has_report)))
        torch.testing.assert_close(probabilities(output.logits), probabilities(expected))
        assert output.inconsistency is not None
        assert not output.inconsistency.any()


def test_the_more_both_disagree_the_more_the_waveform_decides() -> None:
    reports = torch.tensor([[0.0, float(strength)] for strength in range(12)])
    output = method_of()(batch(logs((0.99, 0.01)).expand(12, 2), reports))
    assert output.inconsistency is not None
    assert (output.inconsistency.diff() > 0).all()
    assert output.readouts["as_pair"].softmax(dim=1)[-1, 0] < 0.01
    assert output.logits.softmax(dim=1)[-1, 0] > 0.8


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
def test_exchanged_reports_teach_the_reports_answer_and_the_detector_nothing(task: Task) -> None:
    method, batch = build("evidence_fusion", task).eval(), batch_of(task)
    output = method(batch)
    marked = batch._replace(report_is_own=torch.zeros_like(batch.report_is_own))
    with torch.no_grad():
        own, foreign = method.losses(output, batch), method.losses(output, marked)
    assert float(foreign["text"]) == 0
    assert float(foreign["pair"]) == 0
    assert min(float(own["text"]), float(own["pair"])) > 0
    assert torch.equal(own["ecg"], foreign["ecg"])
    assert torch.equal(own["cls"], foreign["cls"])


def inconsistency(output: ModelOutput) -> Tensor:
    assert output.inconsistency is not None
    return output.inconsistency


def test_the_detector_learns_what_the_classes_do_not_tell() -> None:
    torch.manual_seed(0)
    method = method_of(detector=PairDetector(2, 4, 1.0))
    said = torch.randint(4, (48,))  # what both show; the class, of which it is independent, is shown by neither
    shown = one_hot(said, 4).float() @ torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    paired = batch(shown, shown)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        method.total_loss(method.losses(method(paired), paired)).backward()
        optimizer.step()
    with torch.no_grad():
        own, other = (inconsistency(method(batch(shown, report))) for report in (shown, -shown))
    assert own.max() < other.min()


def test_odds_against_foreign_or_changed_by_hand() -> None:
    own, foreign, changed = 0.6, 0.2, 0.05
    found = against_both(torch.tensor(own / foreign).log(), torch.tensor(own / changed).log())
    either = (1 - CHANGED) * foreign + CHANGED * changed
    torch.testing.assert_close(found, torch.tensor(own / either).log())


def test_changed_reports_are_found_by_what_only_both_together_tell() -> None:
    """The report repeats what the waveform shows, or denies it: classes and either of both alone tell nothing."""
    torch.manual_seed(0)
    method = method_of(detector=PairDetector(2, 4, 1.0, hidden_dim=8))
    shown = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]).repeat(24, 1)
    said = shown * torch.tensor([[1.0, 1.0]] * 24 + [[-1.0, 1.0]] * 24)
    own = torch.arange(48) < 24
    mixed = batch(shown, said)._replace(report_is_own=own, labels=torch.randint(2, (48,)))
    optimizer = torch.optim.Adam(method.parameters(), lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        method.total_loss(method.losses(method(mixed), mixed)).backward()
        optimizer.step()
    with torch.no_grad():
        doubt = inconsistency(method(mixed))
    assert doubt[own].max() < doubt[~own].min()


def test_without_changed_reports_the_head_for_them_learns_from_own_ones_alone() -> None:
    with_head, plain = (
        method_of(detector=PairDetector(2, 4, 1.0, hidden_dim=8)),
        method_of(detector=PairDetector(2, 4, 1.0)),
    )
    plain.load_state_dict(with_head.state_dict(), strict=False)
    given = batch(torch.randn(6, 2), torch.randn(6, 2))
    outputs = with_head(given), plain(given)
    more = with_head.losses(outputs[0], given)["pair"] - plain.losses(outputs[1], given)["pair"]
    torch.testing.assert_close(more, -logsigmoid(outputs[0].extra["unchanged"]).mean() / 2)
