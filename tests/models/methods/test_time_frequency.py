"""What makes the time-frequency row itself: two aligned views, learned prompts, and classes that are never seen."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ecgmm.errors import ConfigError
from ecgmm.models.criteria import ForwardCorrection, GeneralisedCrossEntropy
from ecgmm.models.methods.time_frequency import TimeFrequency
from ecgmm.models.seen_classes import SeenClassLoss
from ecgmm.models.text_encoders.transformer import Transformer
from ecgmm.types import Batch
from tests.models.building import CLASSES, N_CLASSES, N_RECORDS, TEXTS, Task, batch_of, build, rows_of

FROZEN = (
    "text_encoder=transformer",
    "text_encoder.trainable_layers=0",
    "text_encoder.name_or_path=null",
    "text_encoder.config={_target_: transformers.BertConfig, vocab_size: 600, hidden_size: 16, num_hidden_layers: 2, "
    "num_attention_heads: 2, intermediate_size: 32}",
)
MI, CD = CLASSES.index("MI"), CLASSES.index("CD")
UNSEEN_MI = "method.unseen_classes=[MI]"
tasks = pytest.mark.parametrize("task", ["single_label", "multi_label"])


def model(task: Task = "single_label", *overrides: str) -> TimeFrequency:
    method = build("time_frequency", task, 0, *overrides).eval()
    assert isinstance(method, TimeFrequency)
    return method


def losses(method: TimeFrequency, batch: Batch) -> dict[str, Tensor]:
    return method.losses(method(batch), batch)


def test_two_views_of_a_waveform_are_partners_whatever_the_reports_say() -> None:
    method, batch = model(), batch_of("single_label")
    extra = method(batch).extra
    time, frequency = (view / view.norm(dim=1, keepdim=True) for view in (extra["time"], extra["frequency"]))
    logits, right = time @ frequency.T / 0.07, torch.arange(N_RECORDS)
    expected = (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2
    torch.testing.assert_close(losses(method, batch)["time_frequency"], expected)
    same_reports = batch._replace(token_ids=batch.token_ids[:1].expand(N_RECORDS, -1))
    torch.testing.assert_close(losses(method, same_reports)["time_frequency"], expected)


def test_views_are_aligned_where_there_is_a_waveform_and_pairs_where_there_is_a_report_too() -> None:
    method, batch = model(), batch_of("single_label", complete=False)  # 0 has no report, 1 neither, 2 no waveform
    terms = losses(method, batch)
    with_waveform = rows_of(batch, torch.tensor([0, *range(3, N_RECORDS)]))
    complete = rows_of(batch, torch.arange(3, N_RECORDS))
    torch.testing.assert_close(terms["time_frequency"], losses(method, with_waveform)["time_frequency"])
    torch.testing.assert_close(terms["contrastive"], losses(method, complete)["contrastive"])
    nothing = losses(method, rows_of(batch, torch.tensor([1, 2])))
    assert nothing["time_frequency"] == nothing["contrastive"] == 0


@pytest.mark.parametrize("tower", ["time", "frequency"])
def test_waveform_is_classified_by_both_towers(tower: str) -> None:
    method, batch = model(), batch_of("single_label")
    logits, n = method(batch).logits, method.fusion.in_features // 2
    with torch.no_grad():
        method.fusion.weight[:, slice(0, n) if tower == "time" else slice(n, None)] = 0
    assert not torch.allclose(method(batch).logits, logits, atol=1e-3)


@tasks
def test_prompts_learn_through_a_frozen_text_tower(task: Task) -> None:
    method, batch = model(task, *FROZEN).train(), batch_of(task)
    tower = method.text_encoder
    assert isinstance(tower, Transformer)
    assert not tower.model.training
    method.total_loss(losses(method, batch)).backward()
    context = method.prompts.context
    assert context.grad is not None
    assert context.grad.any(dim=1).all()
    assert all(parameter.grad is None for parameter in tower.model.parameters())
    assert [
        name for name, p in method.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
    ] == []


def test_record_without_a_waveform_is_classified_by_the_bias() -> None:
    method, batch = model("multi_label"), batch_of("multi_label", complete=False)
    with torch.no_grad():
        method.class_bias.copy_(torch.tensor([-1.0, 0.0, 2.0]))
    assert torch.equal(method(batch).logits[1:3], method.class_bias.expand(2, -1))


def test_unseen_class_takes_the_mean_bias_of_the_others() -> None:
    method, batch = model("multi_label", UNSEEN_MI), batch_of("multi_label", complete=False)
    with torch.no_grad():
        method.class_bias.copy_(torch.tensor([-1.0, 50.0, 2.0]))
    assert method(batch).logits[1].tolist() == [-1.0, 0.5, 2.0]


def gradients(method: TimeFrequency, batch: Batch) -> dict[str, Tensor]:
    method.zero_grad()
    method.total_loss(losses(method, batch)).backward()
    return {name: p.grad.clone() for name, p in method.named_parameters() if p.grad is not None}


def test_labels_of_an_unseen_class_have_no_influence_on_loss_or_gradient_multi_label() -> None:
    method, batch = model("multi_label", UNSEEN_MI), batch_of("multi_label")
    labels = batch.labels.clone()
    labels[:, MI] = 1 - labels[:, MI]
    other = batch._replace(labels=labels)
    assert losses(method, other) == losses(method, batch)
    before, after = gradients(method, batch), gradients(method, other)
    assert all(torch.equal(after[name], before[name]) for name in before)
    seen = batch._replace(labels=1 - batch.labels)
    assert losses(method, seen)["cls"] != losses(method, batch)["cls"]


def test_records_of_an_unseen_class_have_no_influence_on_loss_or_gradient_single_label() -> None:
    method, batch = model("single_label", UNSEEN_MI), batch_of("single_label")
    method.stage = "classify"
    kept = rows_of(batch, (batch.labels != MI).nonzero().flatten())
    assert 0 < len(kept.rows) < N_RECORDS
    torch.testing.assert_close(losses(method, kept), losses(method, batch))
    torch.testing.assert_close(gradients(method, kept), gradients(method, batch))


@tasks
def test_logits_of_an_unseen_class_are_there_at_test_and_learn_nothing(task: Task) -> None:
    method, batch = model(task, UNSEEN_MI), batch_of(task)
    logits = method(batch).logits.detach().requires_grad_()
    assert logits.shape == (N_RECORDS, N_CLASSES)
    method.criterion(logits, batch.labels).backward()
    assert logits.grad is not None
    assert not logits.grad[:, MI].any()
    assert logits.grad[:, CD].any()


def loss_without(unseen: int, criterion: nn.Module, n_classes: int = 3) -> SeenClassLoss:
    loss = SeenClassLoss(criterion)
    loss.bind([k != unseen for k in range(n_classes)])
    return loss


LOGITS = torch.tensor([[1.0, 5.0, 0.0], [2.0, -3.0, 4.0], [0.5, 0.5, 0.5]])


def test_seen_class_loss_by_hand() -> None:
    # Of labels 2, 1, 0 the second record is left out. Two logits are left: log(1 + e^1) and log(1 + e^0).
    loss = loss_without(1, nn.CrossEntropyLoss())
    expected = (torch.tensor(1.0).exp().log1p() + torch.tensor(2.0).log()) / 2
    torch.testing.assert_close(loss(LOGITS, torch.tensor([2, 1, 0])), expected)
    # Soft labels: the second record is mostly of the unseen class; (0.6, 0.2) of the first is (3/4, 1/4).
    soft = torch.tensor([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.5, 0.5, 0.0]])
    shares = torch.tensor([[0.75, 0.25], [1.0, 0.0]])
    torch.testing.assert_close(loss(LOGITS, soft), cross_entropy(LOGITS[[0, 2]][:, [0, 2]], shares))
    columns = binary_cross_entropy_with_logits(LOGITS[:, [0, 2]], soft[:, [0, 2]])
    torch.testing.assert_close(loss_without(1, nn.BCEWithLogitsLoss())(LOGITS, soft), columns)


def test_seen_class_loss_is_the_criterion_where_all_classes_are_seen() -> None:
    labels = torch.tensor([2, 1, 0])
    assert loss_without(9, nn.CrossEntropyLoss())(LOGITS, labels) == cross_entropy(LOGITS, labels)


def test_a_robust_criterion_sees_the_seen_classes_alone() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    criterion = GeneralisedCrossEntropy("single_label", 0.7)
    kept = labels != 1
    expected = criterion(logits[kept][:, [0, 2]], (labels[kept] // 2))
    torch.testing.assert_close(loss_without(1, criterion)(logits, labels), expected)


def test_the_noise_of_labels_is_not_estimated_where_classes_are_unseen() -> None:
    method = model("single_label")
    method.unseen_classes = ("MI",)
    method.criterion = SeenClassLoss(ForwardCorrection("single_label", N_CLASSES, 0.5))
    with pytest.raises(ConfigError, match="criterion=forward_correction"):
        method.bind(TEXTS)


def test_batch_of_unseen_records_costs_nothing() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = loss_without(1, nn.CrossEntropyLoss())(logits, torch.tensor([1, 1, 1]))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("names", ["[AFIB]", "[MI,CD]"])
def test_unseen_classes_must_be_classes_and_leave_two(names: str) -> None:
    with pytest.raises(ConfigError, match=r"NORM, MI, CD and must leave at least two"):
        build("time_frequency", "single_label", 0, f"method.unseen_classes={names}")


@tasks
def test_unseen_class_is_recognised_by_its_words(task: Task) -> None:
    """The prompt of an unseen class lies where its reports lie: other words, other logits."""
    method, batch = model(task, UNSEEN_MI), batch_of(task)
    logits = method(batch).logits
    renamed = type(TEXTS)(("NORM", "HYP", "CD"), TEXTS.statements, TEXTS.tokeniser, TEXTS.max_tokens)
    method.unseen_classes = ("HYP",)
    method.bind(renamed)
    other = method(batch).logits
    assert not torch.allclose(other[:, MI], logits[:, MI], atol=1e-3)
    torch.testing.assert_close(other[:, [0, 2]], logits[:, [0, 2]])


def test_a_label_set_of_one_class_is_bound_and_learnt() -> None:
    """Every other method takes one question too; here the classes that may be unseen are counted."""
    method = model("multi_label")
    with torch.no_grad():
        method.class_bias = nn.Parameter(torch.zeros(1))
    method.bind(replace(TEXTS, class_names=("MI",)))
    batch = batch_of("multi_label")
    output = method(batch)
    assert output.logits.shape == (N_RECORDS, 1)
    one = batch._replace(labels=batch.labels[:, [MI]])
    expected = binary_cross_entropy_with_logits(output.logits, one.labels)
    torch.testing.assert_close(method.criterion(output.logits, one.labels), expected)
