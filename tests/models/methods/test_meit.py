"""MEIT against plain models of the library that read the same text."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import LlamaForCausalLM

from ecgmm import waiting
from ecgmm.errors import ConfigError
from ecgmm.models.language_model import causal
from ecgmm.models.methods.meit import Meit
from ecgmm.types import Batch
from tests.models.building import N_RECORDS, TEXTS, TOKENISER, batch_of, build, rows_of

ECG_ALONE = "method.report_in_prompt=false"
LORA = ("language_model.lora_rank=4", "+language_model.lora_alpha=8", "+language_model.lora_dropout=0.0")


def meit(*overrides: str, seed: int = 0) -> Meit:
    method = build("meit", "single_label", seed, *overrides)
    assert isinstance(method, Meit)
    return method.eval()


def library_of(method: Meit) -> Any:
    """The library's own model with the weights of the method's language model."""
    library = LlamaForCausalLM(method.language_model.body.config).eval()
    library.model.load_state_dict(method.language_model.body.state_dict())
    assert method.language_model.head is not None
    library.lm_head.load_state_dict(method.language_model.head.state_dict())
    return library


def text_of(method: Meit, batch: Batch, row: int) -> tuple[Tensor, Tensor, Tensor]:
    """Instruction, report and question of one record, without padding."""
    return method.instruction, batch.token_ids[row, batch.token_mask[row]], method.options.question


def without_waveforms(batch: Batch) -> Batch:
    return batch._replace(has_waveform=torch.zeros_like(batch.has_waveform))


def test_option_probabilities_are_those_of_a_plain_pass_over_the_text() -> None:
    method, batch = meit(), without_waveforms(batch_of("single_label", complete=False))
    probabilities = method(batch).logits.softmax(dim=1)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(N_RECORDS))
    library = library_of(method)
    for row in range(N_RECORDS):
        ids = torch.cat(text_of(method, batch, row)).unsqueeze(0)
        expected = library(input_ids=ids).logits[0, -1, method.options.letters].softmax(dim=0)
        torch.testing.assert_close(probabilities[row], expected, atol=1e-6, rtol=1e-5)


def test_report_loss_is_the_librarys_own() -> None:
    method, batch = meit(), without_waveforms(batch_of("single_label", complete=False))
    output = method(batch)
    library = library_of(method)
    total, n_tokens = 0.0, 0
    for row in range(N_RECORDS):
        before, report, question = text_of(method, batch, row)
        if not len(report):
            assert output.extra["report_nll"][row] == output.extra["report_length"][row] == 0
            continue
        ignored = torch.full_like(before, -100)
        # The question's first word ends the report, and is learned too.
        labels = torch.cat([ignored, report, question[:1], torch.full_like(question[1:], -100)])
        ids = torch.cat([before, report, question])
        loss = library(input_ids=ids.unsqueeze(0), labels=labels.unsqueeze(0)).loss
        n = len(report) + 1
        torch.testing.assert_close(output.extra["report_nll"][row] / n, loss)
        total, n_tokens = total + loss.item() * n, n_tokens + n
    assert method.losses(output, batch)["report"].item() == pytest.approx(total / n_tokens, rel=1e-5)


def test_reports_are_written_from_the_waveform_of_their_own_record() -> None:
    method, batch = meit(), batch_of("single_label", complete=False)
    other = batch._replace(waveforms=batch.waveforms.roll(1, dims=0))
    changed = (method(batch).extra["report_nll"] - method(other).extra["report_nll"]).abs() > 1e-6
    both = batch.has_waveform & batch.has_report
    assert changed[both].any()
    assert not changed[~both].any()


@torch.inference_mode()
def test_another_waveform_changes_what_comes_next_as_much_as_another_word() -> None:
    method, batch = meit("method.layer_norm=true"), batch_of("single_label")
    model, n_before = method.language_model, len(method.instruction)
    directions = torch.randn(N_RECORDS, model.head_dim, generator=torch.Generator().manual_seed(1))
    vectors = normalize(directions, dim=1)

    def next_logits(ids: Tensor, key_values: Any) -> Tensor:
        attended = causal(torch.ones_like(ids, dtype=torch.bool))
        present = torch.ones(len(ids), dtype=torch.bool)
        return model.next_token_logits(model(model.embed(ids), attended, key_values, present)[:, -1])

    def size(change: Tensor) -> float:
        return change.square().mean().sqrt().item()

    ids = method.instruction.expand(N_RECORDS, -1)
    usual = next_logits(ids, method.key_values(vectors))
    by_waveform = size(next_logits(ids, method.key_values(vectors.roll(1, dims=0))) - usual)
    by_word = []
    for place in range(n_before - 1):  # the last word is where the next one is predicted
        other = ids.clone()
        other[:, place] = batch.token_ids[:, 0]
        by_word.append(size(next_logits(other, method.key_values(vectors)) - usual))
    mean = sum(by_word) / len(by_word)
    assert mean / 2 < by_waveform < mean * 2
    method.layer_norm = False  # as published
    plain = next_logits(ids, method.key_values(vectors))
    assert size(next_logits(ids, method.key_values(vectors.roll(1, dims=0))) - plain) < by_waveform / 3


def test_ecg_alone_answers_without_the_report_as_if_there_were_none() -> None:
    method, batch = meit(ECG_ALONE), batch_of("single_label")
    assert method.inputs_at_test == ("ecg",)
    assert Meit.inputs_at_test == ("ecg", "text")
    output = method(batch)
    silent = batch._replace(has_report=torch.zeros_like(batch.has_report))
    torch.testing.assert_close(output.logits, method(silent).logits)
    reading = meit()
    torch.testing.assert_close(output.logits, reading(silent).logits)
    assert not torch.allclose(output.logits, reading(batch).logits)
    torch.testing.assert_close(output.extra, reading(batch).extra)  # reports are learned all the same


def test_only_adapters_and_the_waveforms_part_learn_with_lora() -> None:
    method, batch = meit(*LORA).train(), batch_of("single_label", complete=False)
    optimizer = torch.optim.AdamW(method.parameters(), lr=1e-2)
    before = {name: parameter.clone() for name, parameter in method.named_parameters()}
    for _ in range(2):  # the second factor of an adapter starts at zero, so the first learns from the second step on
        optimizer.zero_grad()
        method.total_loss(method.losses(method(batch), batch)).backward()
        optimizer.step()
    learnt = {name for name, parameter in method.named_parameters() if not torch.equal(parameter, before[name])}
    assert learnt == {name for name in before if "lora_" in name or name.startswith(("ecg_encoder.", "projection."))}


def test_more_classes_than_letters_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most 26 classes"):
        meit().bind(replace(TEXTS, class_names=tuple(f"class {n}" for n in range(27))))


def test_explains_a_waveform_by_the_report_that_it_has_learned_to_write() -> None:
    method, batch = meit().train(), rows_of(batch_of("single_label"), torch.arange(3))
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    for _ in range(100):
        optimizer.zero_grad()
        method.total_loss(method.losses(method(batch), batch)).backward()
        optimizer.step()
    method.eval()
    for row in range(3):
        alone = rows_of(batch, torch.tensor([row]))
        report = TOKENISER.decode(alone.token_ids[alone.token_mask].tolist())
        without_report = alone._replace(has_report=torch.zeros(1, dtype=torch.bool))
        assert method.explain(without_report) == ["report written from the waveform:", report]
    assert method.explain(without_waveforms(alone)) == []


def test_a_last_batch_of_one_record_trains() -> None:
    method, batch = meit().train(), rows_of(batch_of("single_label"), torch.tensor([3]))
    before = {name: buffer.clone() for name, buffer in method.projection.named_buffers()}
    loss = method.total_loss(method.losses(method(batch), batch))
    loss.backward()
    assert loss.isfinite()
    assert all(torch.equal(buffer, before[name]) for name, buffer in method.projection.named_buffers())


def test_reports_cost_the_same_where_padding_is_scored_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU scores all places in fixed shapes, a CPU those of words alone."""
    found = []
    for may_look in (True, False):
        monkeypatch.setattr(waiting, "may_look", lambda values, may_look=may_look: may_look)
        method, batch = meit(), batch_of("single_label", complete=False)
        terms = method.losses(method(batch), batch)
        terms["report"].backward()
        found.append([terms["report"], *(p.grad for p in method.parameters() if p.grad is not None)])
    for by_words, by_places in zip(*found, strict=True):
        torch.testing.assert_close(by_places, by_words, rtol=1e-5, atol=1e-6)
