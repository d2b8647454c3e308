"""Every method of conf/method goes through the same battery, for both tasks."""

import inspect
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import pad

from ecgmm.models.contrastive_method import ContrastiveMethod
from ecgmm.models.method import ClosedFormMethod, Method
from ecgmm.models.methods.bag_of_statements import BagOfStatements
from ecgmm.types import Batch, ModelOutput
from tests.models.building import (
    CLOSED_FORM,
    LEARNT,
    METHODS,
    N_CLASSES,
    N_RECORDS,
    Task,
    batch_of,
    build,
    class_of,
    rows_of,
)

pytestmark = pytest.mark.parametrize("task", ["single_label", "multi_label"])
WITH_PROJECTIONS = ("gated_fusion", "ecg_clip", "fg_clep", "merl", "sigmoid_caption")
every_method = pytest.mark.parametrize("name", METHODS)
every_learnt_method = pytest.mark.parametrize("name", LEARNT)


def ready(name: str, task: Task, seed: int = 0) -> Method:
    """Build a method for prediction: solved where it has a closed form, in evaluation mode."""
    method = build(name, task, seed)
    if isinstance(method, ClosedFormMethod):
        method.fit(batch_of(task))
    return method.eval()


def tensors(output: ModelOutput) -> dict[str, torch.Tensor]:
    named = {field.name: getattr(output, field.name) for field in fields(output)}
    named |= named.pop("readouts") | named.pop("extra")
    return {name: value for name, value in named.items() if value is not None}


def assert_same(actual: ModelOutput, expected: ModelOutput) -> None:
    torch.testing.assert_close(tensors(actual), tensors(expected), atol=2e-5, rtol=1e-4)


def test_methods_of_both_kinds_are_there(task: Task) -> None:
    assert {"bag_of_statements", "majority"} <= set(CLOSED_FORM)
    assert {"gated_fusion", "ecg_clip"} <= set(LEARNT)


@every_method
def test_says_what_it_is(name: str, task: Task) -> None:
    method = build(name, task)
    assert method.name == name
    assert set(method.inputs_at_test) <= {"ecg", "text"}
    assert method.reference
    assert method.closed_form == isinstance(method, ClosedFormMethod) == (name in CLOSED_FORM)


@every_method
def test_takes_few_arguments(name: str, task: Task) -> None:
    base = inspect.signature(ContrastiveMethod).parameters.values()
    of_all_contrastive_rows = {one.name for one in base if one.default is not one.empty}
    own = set(inspect.signature(class_of(name)).parameters) - of_all_contrastive_rows
    assert len(own) <= 8


@every_learnt_method
def test_diagnostics_are_finite_scalars_of_the_same_names_for_every_batch(name: str, task: Task) -> None:
    method = ready(name, task)
    batches = (batch_of(task), batch_of(task, complete=False))
    with torch.no_grad():
        measured = [method.diagnostics(method(batch), batch) for batch in batches]
    assert measured[0].keys() == measured[1].keys()
    assert all(value.shape == () and value.isfinite() for values in measured for value in values.values())
    assert ("ecg_projection_norm" in measured[0]) == (name in WITH_PROJECTIONS)


@every_method
def test_shapes(name: str, task: Task) -> None:
    output = ready(name, task)(batch_of(task))
    assert output.logits.shape == (N_RECORDS, N_CLASSES)
    assert output.gate is None or output.gate.shape == (N_RECORDS,)
    assert {len(value) for value in tensors(output).values()} == {N_RECORDS}


@every_method
def test_named_inputs_and_no_others_change_the_prediction(name: str, task: Task) -> None:
    method, batch = ready(name, task), batch_of(task)
    other = rows_of(batch, torch.arange(N_RECORDS).roll(1))
    logits = method(batch).logits
    with_other_ecg = method(batch._replace(waveforms=other.waveforms)).logits
    text = {"token_ids": other.token_ids, "token_mask": other.token_mask, "statement_ids": other.statement_ids}
    with_other_text = method(batch._replace(**text)).logits
    assert (not torch.equal(logits, with_other_ecg)) == ("ecg" in method.inputs_at_test)
    assert (not torch.equal(logits, with_other_text)) == ("text" in method.inputs_at_test)


@every_learnt_method
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("bf16", [True, False])
def test_every_learnt_parameter_gets_a_finite_gradient(name: str, task: Task, complete: bool, bf16: bool) -> None:
    method, batch = build(name, task).train(), batch_of(task, complete)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = method(batch)
        losses = method.losses(output, batch)
    assert output.logits.dtype == torch.float32
    assert {(loss.dtype, loss.shape) for loss in losses.values()} == {(torch.float32, torch.Size())}
    method.total_loss(losses).backward()
    learnt = [(n, p) for n, p in method.named_parameters() if p.requires_grad]
    without = [n for n, p in learnt if p.grad is None or not p.grad.isfinite().all()]
    idle = [n for n, p in learnt if p.grad is not None and not p.grad.any()]
    assert (without, idle) == ([], [])


def share_of_right_answers(method: Method, batch: Batch, task: Task) -> float:
    with torch.no_grad():
        logits = method.eval()(batch).logits
    if task == "single_label":
        return float((logits.argmax(dim=1) == batch.labels).float().mean())
    return float(((logits > 0) == (batch.labels > 0.5)).float().mean())


@every_learnt_method
def test_overfits_one_batch(name: str, task: Task) -> None:
    method, batch = build(name, task), batch_of(task)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    share = 0.0
    for step in range(200):
        optimizer.zero_grad()
        method.train().total_loss(method.losses(method(batch), batch)).backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 19 and (share := share_of_right_answers(method, batch, task)) >= 0.95:
            return
    pytest.fail(f"{name}: {share:.2f} of the answers right after 200 steps on one batch, at least 0.95 expected")


def test_only_the_random_encoder_is_frozen_and_it_stays_as_it_was_drawn(task: Task) -> None:
    frozen = {name: [n for n, p in build(name, task).named_parameters() if not p.requires_grad] for name in LEARNT}
    assert [name for name, parameters in frozen.items() if parameters] == ["ecg_random"]
    method, batch = build("ecg_random", task).train(), batch_of(task)
    assert {n for n, p in method.named_parameters() if p.requires_grad} == {"head.weight", "head.bias"}
    before = {key: value.clone() for key, value in method.state_dict().items()}
    optimizer = torch.optim.AdamW(method.parameters(), lr=1e-2)
    method.total_loss(method.losses(method(batch), batch)).backward()
    optimizer.step()
    changed = {key.split(".")[0] for key, value in method.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"head", "standardise"}


def test_bag_of_statements_fits_one_batch(task: Task) -> None:
    method, batch = build("bag_of_statements", task), batch_of(task)
    assert isinstance(method, BagOfStatements)
    method.inverse_penalty = 1e4  # hardly any penalty
    method.fit(batch)
    share = share_of_right_answers(method, batch, task)
    assert share >= 0.95, f"{share:.2f} of the answers right, 0.95 expected: each record has a statement of its own"


@every_method
def test_padding_changes_nothing(name: str, task: Task) -> None:
    method, batch = ready(name, task), batch_of(task, complete=False)
    wider = batch._replace(
        token_ids=pad(batch.token_ids, (0, 5)),
        token_mask=pad(batch.token_mask, (0, 5)),
        statement_ids=pad(batch.statement_ids, (0, 3)),
    )
    assert_same(method(wider), method(batch))


@every_method
def test_order_of_the_batch_changes_nothing(name: str, task: Task) -> None:
    method, batch = ready(name, task), batch_of(task, complete=False)
    order = torch.randperm(N_RECORDS, generator=torch.Generator().manual_seed(0))
    shuffled, straight = method(rows_of(batch, order)), method(batch)
    torch.testing.assert_close(shuffled.logits, straight.logits[order], atol=2e-5, rtol=1e-4)


@every_method
def test_single_records_equal_the_batch(name: str, task: Task) -> None:
    method, batch = ready(name, task), batch_of(task, complete=False)
    singly = torch.cat([method(rows_of(batch, torch.tensor([row]))).logits for row in range(N_RECORDS)])
    torch.testing.assert_close(singly, method(batch).logits, atol=2e-5, rtol=1e-4)


@every_method
def test_missing_modalities_are_legal_and_their_content_is_ignored(name: str, task: Task) -> None:
    method, batch = ready(name, task), batch_of(task, complete=False)
    output = method(batch)
    assert all(value.isfinite().all() for value in tensors(output).values())
    assert all(loss.isfinite() for loss in method.losses(output, batch).values())
    noise = torch.randn_like(batch.waveforms) * ~batch.has_waveform.view(-1, 1, 1)
    assert_same(method(batch._replace(waveforms=batch.waveforms + noise)), output)


@every_method
def test_saves_and_loads_safely(name: str, task: Task, tmp_path: Path) -> None:
    method, batch = ready(name, task, seed=0), batch_of(task)
    save_file(method.state_dict(), tmp_path / "weights.safetensors")
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    for state in (load_file(tmp_path / "weights.safetensors"), torch.load(tmp_path / "weights.pt", weights_only=True)):
        loaded = build(name, task, seed=1).eval()
        loaded.load_state_dict(state)
        assert torch.equal(loaded(batch).logits, method(batch).logits)


@every_method
def test_same_seed_same_weights_other_seed_other_weights(name: str, task: Task) -> None:
    first, again, other = (ready(name, task, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert all(torch.equal(first[key], other[key]) for key in first) == (name in CLOSED_FORM)


@every_method
def test_builds_only_the_encoders_it_uses(name: str, task: Task) -> None:
    method = build(name, task)
    assert hasattr(method, "ecg_encoder") == ("ecg" in method.inputs_at_test)
    inputs = {*method.inputs_at_test, *(name for names in method.readouts.values() for name in names)}
    reads = hasattr(method, "text_encoder") or hasattr(method, "language_model")
    assert reads == ("text" in inputs and name not in CLOSED_FORM)


@every_method
def test_a_method_that_looks_at_no_waveform_needs_none(name: str, task: Task) -> None:
    method, batch = ready(name, task), batch_of(task)
    assert method.looks_at_waveforms == ("ecg" in method.inputs_at_test)  # none here learns from them alone
    if not method.looks_at_waveforms:
        without = method(batch._replace(waveforms=batch.waveforms[..., :0]))
        assert torch.equal(without.logits, method(batch).logits)


@every_learnt_method
def test_a_last_batch_of_one_record_trains(name: str, task: Task) -> None:
    method, batch = build(name, task).train(), rows_of(batch_of(task), torch.tensor([3]))
    loss = method.total_loss(method.losses(method(batch), batch))
    loss.backward()
    assert loss.isfinite()
