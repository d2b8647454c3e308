"""What makes ECG-CLIP itself: pairs of waveform and report, and classes recognised by their description."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ecgmm.models.method import Stage
from ecgmm.models.methods.ecg_clip import EcgClip
from ecgmm.types import Batch
from tests.models.building import N_CLASSES, N_RECORDS, TEXTS, Given, Task, batch_of, build, rows_of


def model(task: Task = "single_label") -> EcgClip:
    method = build("ecg_clip", task).eval()
    assert isinstance(method, EcgClip)
    return method


class FirstToken(Given):
    """Embeds a text by the id of its first token: ``(id, 1)``."""

    def forward(self, token_ids: Tensor, *_: Tensor) -> Tensor:
        return torch.stack([token_ids[:, 0].float(), torch.ones(len(token_ids))], dim=1)


def test_logits_are_scaled_cosines_with_the_mean_prompt_of_each_class_plus_a_bias() -> None:
    method = EcgClip(Given(), FirstToken(), nn.CrossEntropyLoss(), N_CLASSES, shared_dim=2).eval()
    method.bind(TEXTS)
    with torch.no_grad():
        method.ecg_projection.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        method.text_projection.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 30.0]]))
        method.class_bias.copy_(torch.tensor([0.5, 0.0, -1.0]))
    # P_e h_e = (3, 4) and (0, -2) have the directions below; so has each prompt, (id of its first word, 30).
    h_e, directions = torch.tensor([[3.0, 2.0], [0.0, -1.0]]), torch.tensor([[0.6, 0.8], [0.0, -1.0]])
    first = method.class_prompts.token_ids[:, 0].float()
    prompts = torch.stack([first, torch.full_like(first, 30.0)], dim=1) / (first.square() + 900).sqrt()[:, None]
    means = torch.stack([prompts[method.class_prompts.class_of_prompt == k].mean(dim=0) for k in range(N_CLASSES)])
    expected = directions @ (means / means.norm(dim=1, keepdim=True)).T / 0.07 + method.class_bias
    batch = rows_of(batch_of("single_label"), torch.arange(2))._replace(waveforms=h_e)
    torch.testing.assert_close(method(batch).logits, expected, atol=1e-4, rtol=1e-4)


def pair_loss(method: EcgClip, batch: Batch) -> Tensor:
    return method.pair_losses(method(batch), batch)["contrastive"]


def test_pair_loss_is_symmetric_cross_entropy_where_all_reports_differ() -> None:
    method, batch = model(), batch_of("single_label")
    extra = method(batch).extra
    p_e, p_t = (extra[f"{kind}_projection"] for kind in ("ecg", "text"))
    logits = (p_e / p_e.norm(dim=1, keepdim=True)) @ (p_t / p_t.norm(dim=1, keepdim=True)).T / 0.07
    right = torch.arange(N_RECORDS)
    expected = (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2
    torch.testing.assert_close(pair_loss(method, batch), expected)


def test_pair_loss_does_not_change_when_records_are_repeated() -> None:
    method, batch = model(), batch_of("single_label")
    repeated = rows_of(batch, torch.tensor([*range(N_RECORDS), 4, 4, 7]))
    torch.testing.assert_close(pair_loss(method, repeated), pair_loss(method, batch))


def test_only_complete_records_enter_the_pair_loss() -> None:
    method, batch = model(), batch_of("single_label", complete=False)  # records 0 to 2 lack something
    torch.testing.assert_close(pair_loss(method, batch), pair_loss(method, rows_of(batch, torch.arange(3, N_RECORDS))))
    assert pair_loss(method, rows_of(batch, torch.arange(3))) == 0


def test_record_without_a_waveform_is_classified_by_the_bias() -> None:
    method, batch = model("multi_label"), batch_of("multi_label", complete=False)
    with torch.no_grad():
        method.class_bias.copy_(torch.tensor([-1.0, 0.0, 2.0]))
    logits = method(batch).logits
    assert torch.equal(logits[1:3], method.class_bias.expand(2, -1))
    assert not torch.equal(logits[0], method.class_bias)


@pytest.mark.parametrize("task", ["single_label", "multi_label"])
@pytest.mark.parametrize(("stage", "learns"), [("pretrain", False), ("classify", True)])
def test_bias_is_zero_until_labels_are_seen(task: Task, stage: Stage, learns: bool) -> None:
    method, batch = model(task), batch_of(task)
    method.stage = stage
    assert not method.class_bias.any()
    method.total_loss(method.losses(method(batch), batch)).backward()
    assert (method.class_bias.grad is not None) == learns


def test_labels_teach_the_text_tower_through_the_prompts() -> None:
    method, batch = model(), batch_of("single_label")
    method.stage = "classify"
    nothing = torch.zeros_like(batch.has_report)
    without_reports = batch._replace(has_report=nothing, token_mask=batch.token_mask & nothing[:, None])
    method.total_loss(method.losses(method(without_reports), without_reports)).backward()
    grads = [parameter.grad for parameter in method.get_submodule("text_encoder").parameters()]
    assert all(grad is not None and bool(grad.any()) for grad in grads)
