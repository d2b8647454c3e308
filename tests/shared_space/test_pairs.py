"""Pairs in a shared space: what is right for whom, and reports that repeat."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.evaluation.retrieval import Ranked, chance, rank
from ecgmm.shared_space.pairs import OWN_REPORT, RIGHT, SAME_CLASS, SAME_FINDINGS, Pairs
from ecgmm.shared_space.retrieval import DIRECTIONS, Found, Wishes, found_of


def pairs_of(report: list[int], seed: int = 0) -> Pairs:
    generator = np.random.default_rng(seed)
    n, m = len(report), max(report) + 1

    def unit(rows: int) -> NDArray[np.float32]:
        drawn = generator.normal(size=(rows, 64))
        vectors: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
        return vectors

    return Pairs(
        unit(n),
        unit(m),
        np.array(report),
        np.arange(n),
        np.array(report)[:, None] % 3 == np.arange(3),
        np.arange(m) % 4 - 1,
    )


def everywhere(pairs: Pairs, right: str) -> tuple[Ranked, Ranked]:
    return (
        rank(pairs.ecg, pairs.text, pairs.to_reports(right)),
        rank(pairs.text[pairs.report], pairs.ecg, pairs.to_waveforms(right)),
    )


def test_right_by_report_class_and_finding() -> None:
    pairs = pairs_of([0, 1, 1, 2])
    records = np.arange(4)
    assert pairs.relevant(OWN_REPORT, records, records).astype(int).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 1],
    ]
    assert pairs.relevant(SAME_CLASS, records, records)[3].tolist() == [False, False, False, True]
    assert not pairs.relevant(SAME_FINDINGS, records, records)[0].any()  # its report states none
    right, left_out = replace(pairs, classes=np.eye(4, 2, dtype=bool)[[0, 0, 1, 1]]).to_reports(SAME_CLASS)(slice(0, 1))
    assert right.tolist() == [[True, True, False]]  # the report of any record of its class
    assert not left_out.any()


def test_a_report_looks_for_each_of_its_waveforms_and_the_others_stand_aside() -> None:
    right, left_out = pairs_of([0, 1, 1, 2]).to_waveforms(OWN_REPORT)(slice(1, 2))
    assert right.tolist() == [[False, True, False, False]]
    assert left_out.tolist() == [[False, False, True, False]]


def test_another_record_with_the_same_report_neither_helps_nor_harms() -> None:
    """Records 0 to 9 have a report each. A twin of record 3 brings its report once more."""
    plain = pairs_of(list(range(10)))
    twin = replace(
        plain,
        ecg=np.concatenate([plain.ecg, plain.ecg[3:4]]),
        report=np.append(plain.report, 3),
        patient=np.append(plain.patient, 10),
        classes=np.concatenate([plain.classes, plain.classes[3:4]]),
    )
    (before, back), (after, back_again) = everywhere(plain, OWN_REPORT), everywhere(twin, OWN_REPORT)
    assert after.rank.tolist() == [*before.rank, before.rank[3]]  # the gallery of reports is what it was
    assert back_again.rank[3] == back_again.rank[10] == back.rank[3]  # and its own twin stands in nobody's way
    assert chance(after, np.ones(11))["R@1"] == chance(before, np.ones(10))["R@1"] == pytest.approx(1 / 10)


def found(pairs: Pairs) -> dict[tuple[str, str, str], Found]:
    lines = found_of("row", [pairs], Wishes(pool=8, n_pools=40, n_resamples=100))
    return {(one.direction, one.right, one.among): one for one in lines}


def test_planted_pairs_are_perfect_and_random_ones_at_chance() -> None:
    pairs = pairs_of([row // 2 for row in range(80)])
    planted = replace(pairs, ecg=pairs.text[pairs.report])
    lines = found(planted)
    assert {key[:2] for key in lines} == {(direction, right) for direction in DIRECTIONS for right in RIGHT}
    for (_, right, _), one in lines.items():
        if right != SAME_FINDINGS or one.n_queries:
            assert one.values["R@1"].value == one.values["MRR"].value == one.values["median rank"].value == 1
    for one in found(pairs_of([row // 2 for row in range(240)])).values():
        for name in ("R@5", "MRR"):
            value = one.values[name]
            assert abs(value.value - one.chance[name]) < value.high - value.low  # twice the half, for a chosen seed


def test_the_chance_of_own_reports_is_one_in_the_gallery() -> None:
    lines = found(pairs_of([row // 2 for row in range(80)]))
    assert lines[DIRECTIONS[0], OWN_REPORT, "all 40"].chance["R@1"] == pytest.approx(1 / 40)
    assert lines[DIRECTIONS[1], OWN_REPORT, "all 80"].chance["R@1"] == pytest.approx(1 / 79)  # its twin stands aside
    assert lines[DIRECTIONS[1], OWN_REPORT, "8"].chance["R@5"] == pytest.approx(5 / 8)
