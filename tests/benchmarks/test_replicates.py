"""Comparisons of a method with itself: which sets of seeds, and that all three tests are asked."""

from pathlib import Path

from benchmarks.replicates import TESTS, WORLDS, rejections, rejections_of_runs
from tests.reporting.simulated_runs import write_run


def test_sets_of_seeds_are_disjoint_and_each_pair_is_compared_once(tmp_path: Path) -> None:
    """Four seeds have 3 pairs of halves, five 10; three cannot be compared. Eight metrics each."""
    for method, n in (("concat", 4), ("ecg_only", 5), ("text_only", 3)):
        for seed in range(n):
            write_run(tmp_path / f"{method}-{seed}", method, seed)
    n_comparisons, shares = rejections_of_runs([tmp_path], n_resamples=10)
    assert n_comparisons == 8 * (3 + 10)
    assert set(shares) == set(TESTS)


def test_patients_alone_find_a_method_different_from_itself() -> None:
    shares = rejections(WORLDS["same method"], n_seeds=3, n_tests=15, n_resamples=60)
    assert shares["patients alone"] > 0.15
    assert shares["replicates"] < 0.15
