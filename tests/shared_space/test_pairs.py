"""Pairs in a shared space: what is right for whom, and reports that repeat."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.evaluation.bootstrap import estimates
from ecgmm.evaluation.retrieval import chance, measures
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


def with_record(pairs: Pairs, report: int) -> Pairs:
    """One record more, of a report that is there: another waveform, another class and another patient."""
    other = pairs_of([0], seed=9)
    return replace(
        pairs,
        ecg=np.concatenate([pairs.ecg, other.ecg]),
        report=np.append(pairs.report, report),
        patient=np.append(pairs.patient, len(pairs.patient)),
        classes=np.concatenate([pairs.classes, ~pairs.classes[report : report + 1]]),
    )


@pytest.mark.parametrize("right", RIGHT)
def test_a_record_whose_report_is_there_already_changes_no_other_rank(right: str) -> None:
    plain = pairs_of([*range(20), 3, 7])
    more = with_record(plain, 3)
    for before, after in (
        (plain.to_reports(right), more.to_reports(right)),
        (plain.to_waveforms(right), more.to_waveforms(right)),
    ):
        kept = after.query < len(plain.report)
        assert after.query[kept].tolist() == before.query.tolist()
        assert after.rank[kept].tolist() == before.rank.tolist()
        assert after.n_right[kept].tolist() == before.n_right.tolist()
        assert after.n_wrong[kept].tolist() == before.n_wrong.tolist()


def test_a_report_looks_for_each_of_its_waveforms_in_the_place_of_the_first() -> None:
    pairs = pairs_of([0, 1, 1, 2])
    ranked = pairs.to_waveforms(OWN_REPORT)
    for record, first in ((1, [0, 1, 3]), (2, [0, 2, 3])):
        scores = pairs.ecg[first] @ pairs.text[1]
        assert ranked.rank[record] == 1 + (scores > scores[1]).sum()
    assert ranked.n_wrong.tolist() == [2, 2, 2, 2]


def found(pairs: Pairs) -> dict[tuple[str, str, str], Found]:
    lines = found_of("row", [pairs], Wishes(pool=8, n_pools=40, n_resamples=100))
    return {(one.direction, one.right, one.among): one for one in lines}


def test_planted_pairs_are_perfect() -> None:
    pairs = pairs_of([row // 2 for row in range(80)])
    planted = replace(pairs, ecg=pairs.text[pairs.report])
    lines = found(planted)
    assert {key[:2] for key in lines} == {(direction, right) for direction in DIRECTIONS for right in RIGHT}
    for (_, right, _), one in lines.items():
        if right != SAME_FINDINGS or one.n_queries:
            assert one.values["R@1"].value == one.values["MRR"].value == one.values["median rank"].value == 1


def test_random_embeddings_are_at_chance_on_average_and_the_interval_covers_it() -> None:
    """200 draws: the mean lies within three standard errors of the exact chance level, 95 % intervals hold it."""
    draws = [pairs_of([row // 2 for row in range(80)], seed) for seed in range(200)]
    for ranked in ([one.to_reports(SAME_CLASS) for one in draws], [one.to_waveforms(OWN_REPORT) for one in draws]):
        ones = np.ones(len(ranked[0].rank))
        level = chance(ranked[0], ones)
        for name in ("R@1", "R@5", "R@10", "MRR"):
            values = np.array([measures(one, ones)(ones[:, None])[name][0] for one in ranked])
            assert abs(values.mean() - level[name]) < 3 * values.std(ddof=1) / np.sqrt(len(values)), name
    covered = []
    for one in ranked:
        e = estimates(measures(one, ones), np.arange(80) // 2, 200, 0)["R@10"]
        covered.append(e.low <= level["R@10"] <= e.high)
    assert np.mean(covered) >= 0.85


def test_the_chance_of_own_reports_is_one_in_the_gallery() -> None:
    lines = found(pairs_of([row // 2 for row in range(80)]))
    assert lines[DIRECTIONS[0], OWN_REPORT, "all 40"].chance["R@1"] == pytest.approx(1 / 40)
    assert lines[DIRECTIONS[1], OWN_REPORT, "all 40"].chance["R@1"] == pytest.approx(1 / 40)
    assert lines[DIRECTIONS[1], OWN_REPORT, "8"].chance["R@5"] == pytest.approx(5 / 8)
