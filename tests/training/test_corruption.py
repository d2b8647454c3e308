"""Corruption of training pairs does what it says, to the batch that it returns and to nothing else."""

from typing import Any

import pytest
import torch

from ecgmm.training.corruption import PairCorruption
from ecgmm.types import PADDING_ID, Batch
from tests.models.building import N_RECORDS, batch_of

CHANCES = ("drop_waveform", "drop_report", "exchange_report", "thin_report", "cut_report")


def corrupted(batch: Batch, seed: int = 0, /, **chances: float) -> Batch:
    settings: dict[str, Any] = dict.fromkeys(CHANCES, 0.0) | chances
    corruption = PairCorruption(**settings)
    return corruption(batch, torch.Generator().manual_seed(seed))


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(one, other, strict=True))


def words(batch: Batch) -> list[list[int]]:
    return [ids[mask].tolist() for ids, mask in zip(batch.token_ids, batch.token_mask, strict=True)]


@pytest.mark.parametrize("complete", [True, False])
def test_chances_of_zero_change_nothing(complete: bool) -> None:
    batch = batch_of("single_label", complete)
    assert same(corrupted(batch), batch)


@pytest.mark.parametrize("chance", CHANCES)
def test_the_given_batch_stays_as_it_is_and_a_seed_decides(chance: str) -> None:
    batch, untouched = batch_of("single_label"), batch_of("single_label")
    damaged = corrupted(batch, **{chance: 0.5})
    assert same(batch, untouched)
    assert same(corrupted(batch, **{chance: 0.5}), damaged)
    assert not same(corrupted(batch, 1, **{chance: 0.5}), damaged)


def test_each_report_goes_to_another_record_whole_and_is_marked() -> None:
    batch = batch_of("single_label")
    damaged = corrupted(batch, exchange_report=1.0)
    own = words(batch)
    sources = [own.index(report) for report in words(damaged)]
    assert sorted(sources) == list(range(N_RECORDS))
    assert all(source != row for row, source in enumerate(sources))
    assert torch.equal(damaged.statement_ids, batch.statement_ids[sources])
    assert not damaged.report_is_own.any()
    assert not damaged.is_pair.any()
    assert torch.equal(damaged.labels, batch.labels)


def test_a_record_without_a_report_neither_gives_nor_takes_one() -> None:
    batch = batch_of("single_label", complete=False)
    for seed in range(20):
        damaged = corrupted(batch, seed, exchange_report=1.0)
        assert torch.equal(damaged.has_report, batch.has_report)
        assert damaged.report_is_own[~batch.has_report].all()
        assert torch.equal(damaged.token_mask.any(dim=1), damaged.has_report)


def test_a_batch_of_one_has_no_other_report() -> None:
    batch = Batch(*(part[:1] for part in batch_of("single_label")))
    damaged = corrupted(batch, exchange_report=1.0)
    assert damaged.report_is_own.all()
    assert words(damaged) == words(batch)


def test_a_record_loses_one_modality_at_most() -> None:
    batch = batch_of("single_label", complete=False)
    damaged = corrupted(batch, drop_waveform=0.5, drop_report=0.5)
    both = batch.has_waveform & batch.has_report
    assert (damaged.has_waveform ^ damaged.has_report)[both].all()
    assert torch.equal(damaged.has_waveform[~both], batch.has_waveform[~both])
    assert torch.equal(damaged.has_report[~both], batch.has_report[~both])
    assert (damaged.token_ids[~damaged.has_report] == PADDING_ID).all()
    assert (damaged.statement_ids[~damaged.has_report] == PADDING_ID).all()


def is_subsequence(part: list[int], whole: list[int]) -> bool:
    rest = iter(whole)
    return all(word in rest for word in part)


def test_thinned_reports_keep_the_order_of_their_words_and_one_word_at_least() -> None:
    batch = batch_of("single_label", complete=False)
    reports = words(batch)
    thinned = [words(corrupted(batch, seed, thin_report=1.0)) for seed in range(20)]
    assert all(is_subsequence(*pair) for one in thinned for pair in zip(one, reports, strict=True))
    assert all(bool(part) == bool(whole) for one in thinned for part, whole in zip(one, reports, strict=True))
    shares = [len(part) / len(whole) for one in thinned for part, whole in zip(one, reports, strict=True) if whole]
    assert sum(shares) / len(shares) == pytest.approx(0.5, abs=0.1)


def test_cut_reports_begin_as_they_did() -> None:
    batch = batch_of("single_label")
    for part, whole in zip(words(corrupted(batch, cut_report=1.0)), words(batch), strict=True):
        assert part
        assert part == whole[: len(part)]


def test_what_is_left_of_a_report_is_padded_on_the_right() -> None:
    damaged = corrupted(batch_of("single_label"), thin_report=1.0, cut_report=0.5)
    counts = damaged.token_mask.sum(dim=1, keepdim=True)
    assert torch.equal(damaged.token_mask, torch.arange(damaged.token_mask.shape[1]) < counts)
    assert torch.equal(damaged.token_ids == PADDING_ID, ~damaged.token_mask)


def test_shares_are_those_of_the_settings() -> None:
    batch = batch_of("single_label")
    chances = {"drop_waveform": 0.2, "drop_report": 0.1, "exchange_report": 0.3}
    damaged = [corrupted(batch, seed, **chances) for seed in range(300)]
    assert torch.stack([~one.has_waveform for one in damaged]).float().mean() == pytest.approx(0.2, abs=0.02)
    assert torch.stack([~one.has_report for one in damaged]).float().mean() == pytest.approx(0.1, abs=0.02)
    assert torch.stack([~one.report_is_own for one in damaged]).float().mean() == pytest.approx(0.3, abs=0.02)
