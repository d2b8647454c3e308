"""Reports written from waveforms: the cache changes nothing, nor do the records beside one, nor any report."""

import pytest
import torch
from torch.nn.functional import normalize

from ecgmm.models.language_model import causal
from ecgmm.models.methods.ecg_doctor import EcgDoctor
from ecgmm.models.methods.meit import Meit
from ecgmm.models.report_writing import TOLD_FROM, told_findings, write_greedily, write_tokens
from ecgmm.types import Batch
from tests.models.building import N_RECORDS, batch_of, build, rows_of

N_TOKENS = 12


@pytest.fixture(scope="module")
def batch() -> Batch:
    whole = batch_of("single_label", complete=True)
    assert whole.has_waveform.all()
    return whole


@pytest.fixture(scope="module")
def meit() -> Meit:
    """With vectors that are long and far from each other: of fresh weights all records have nearly the same."""
    method = build("meit", "single_label", 0).eval()
    assert isinstance(method, Meit)
    generator = torch.Generator().manual_seed(0)
    vectors = 10 * normalize(torch.randn(N_RECORDS, method.language_model.head_dim, generator=generator), dim=1)
    vars(method)["injected"] = lambda batch: (vectors[batch.rows], vectors[batch.rows])
    return method


@torch.inference_mode()
def without_cache(method: Meit, batch: Batch, n_tokens: int) -> list[list[int]]:
    """Every token from a pass over all that stands before it."""
    vectors, model = method.injected(batch)[1], method.language_model
    tokens = method.instruction.expand(len(vectors), -1)
    for _ in range(n_tokens):
        present = torch.ones_like(tokens, dtype=torch.bool)
        states = model(model.embed(tokens), causal(present), method.key_values(vectors), batch.has_waveform)
        tokens = torch.cat([tokens, model.next_token_logits(states[:, -1]).argmax(dim=1, keepdim=True)], dim=1)
    written: list[list[int]] = tokens[:, len(method.instruction) :].tolist()
    return written


def test_with_the_cache_the_same_is_written_as_without(meit: Meit, batch: Batch) -> None:
    vectors, model = meit.injected(batch)[1], meit.language_model
    prompt = model.embed(meit.instruction).expand(len(vectors), -1, -1)
    expected = without_cache(meit, batch, N_TOKENS)
    assert write_greedily(model, prompt, meit.key_values(vectors), -1, N_TOKENS) == expected
    assert len({tuple(line) for line in expected}) > 6, "another waveform, another report"


def test_a_report_ends_before_the_token_that_ends_it(meit: Meit, batch: Batch) -> None:
    vectors, model = meit.injected(batch)[1], meit.language_model
    prompt = model.embed(meit.instruction).expand(len(vectors), -1, -1)
    whole = without_cache(meit, batch, N_TOKENS)
    end = whole[0][3]
    expected = [line[: line.index(end)] if end in line else line for line in whole]
    assert write_greedily(model, prompt, meit.key_values(vectors), end, N_TOKENS) == expected
    assert len(expected[0]) <= 3


def test_together_the_same_is_written_as_one_by_one(meit: Meit, batch: Batch) -> None:
    together = write_tokens(meit, batch, N_TOKENS)
    one_by_one = [
        write_tokens(meit, rows_of(batch, torch.tensor([row])), N_TOKENS)[0] for row in range(len(batch.rows))
    ]
    assert together == one_by_one
    one = rows_of(batch, torch.tensor([0]))
    method_says = meit.explain(one)[1]
    assert method_says == meit.texts.tokeniser.decode(write_tokens(meit, one, meit.texts.max_tokens)[0])


def test_no_report_is_looked_at(meit: Meit, batch: Batch) -> None:
    other = batch._replace(token_ids=batch.token_ids.roll(1, dims=0), has_report=~batch.has_report)
    assert write_tokens(meit, other, N_TOKENS) == write_tokens(meit, batch, N_TOKENS)


def test_ecg_doctor_tells_the_findings_that_it_holds_for_likelier_than_not(batch: Batch) -> None:
    method = build("ecg_doctor", "single_label", 0)
    assert isinstance(method, EcgDoctor)
    told = told_findings(method.eval(), batch)
    with torch.inference_mode():
        probabilities = method.read_waveform(batch)[1].sigmoid()
    for names, likely in zip(told, probabilities, strict=True):
        chosen = [name for name, p in zip(method.stated_findings.names, likely.tolist(), strict=True) if p >= TOLD_FROM]
        assert sorted(names) == sorted(chosen)
        places = [likely[method.stated_findings.names.index(name)].item() for name in names]
        assert places == sorted(places, reverse=True)
