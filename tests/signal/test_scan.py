"""What ``scan`` sees agrees with plain numpy, at every rate and length, with gaps, flat leads and extremes."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ecgmm.signal.scan import LAG_S, scan, to_lead_major
from ecgmm.types import MISSING_SAMPLE

Block = NDArray[np.int16]


def make_block(n_times: int, seed: int = 0, spread: float = 100) -> Block:
    """Random records: the second with gaps, the third with special leads, the fourth missing throughout."""
    rng = np.random.default_rng(seed)
    block: Block = rng.normal(20, spread, (6, 12, n_times)).clip(-32767, 32767).astype(np.int16)
    block[1][rng.random(block[1].shape) < 0.1] = MISSING_SAMPLE
    block[1, 0, : n_times // 3 + 1] = MISSING_SAMPLE
    block[2, 3] = 7
    block[2, 4] = MISSING_SAMPLE
    block[2, 5, ::2] = 32767
    block[2, 5, 1::2] = -32767
    block[3] = MISSING_SAMPLE
    block[4] = 0
    return block


def held(lead: NDArray[np.int16]) -> NDArray[np.int64]:
    """A lead with its gaps filled by the sample before, those at the start by the first sample there is."""
    there = lead != MISSING_SAMPLE
    if not there.any():
        return np.zeros(len(lead), np.int64)
    before = np.maximum.accumulate(np.where(there, np.arange(len(lead)), there.argmax()))
    return lead[before].astype(np.int64)


def plain(block: Block, limit: int, rate_hz: float) -> dict[str, NDArray[Any]]:
    """The definitions, written down with numpy and no regard to speed; all but the digest."""
    there = block != MISSING_SAMPLE
    low = np.where(there, block, 32767).min(axis=-1)
    high = np.where(there, block, -32768).max(axis=-1)
    flat = low >= high
    usable = there & ~flat[..., None]
    limited = np.where(usable, block.astype(np.int64).clip(-limit, limit), 0)
    equal = (block[..., 1:] == block[..., :-1]) & there[..., 1:]
    extremes = np.stack([low, high]).astype(int)
    far = 4 * np.abs(extremes) > np.ptp(extremes, axis=0)
    at_extreme = ((block[..., 1:] == extremes[..., None]) & far[..., None]).any(axis=0)
    lag = max(1, round(LAG_S * rate_hz))
    filled = np.stack([[held(lead) for lead in record] for record in block])
    changes = np.abs(filled[..., lag:] - filled[..., :-lag])
    wander, noise = plain_chunks(filled, lag, {500: 64, 250: 32, 100: 16}[int(rate_hz)], rate_hz)
    return {
        "missing": (~there).sum(axis=-1),
        "low": low,
        "high": high,
        "flat": flat,
        "count": usable.sum(axis=-1),
        "total": limited.sum(axis=-1),
        "squares": (limited**2).sum(axis=-1),
        "in_runs": (equal & at_extreme).sum(axis=-1) * ~flat,
        "wander": wander,
        "noise": noise,
        "jump": changes.max(axis=-1, initial=0),
        "law_error": np.stack([mean_law(block, there, *law) for law in LAWS], axis=-1),
        "v6_correlation": np.array(
            [[correlation(record[lead], record[11], lag, rate_hz) for lead in (3, 4, 5)] for record in filled]
        ),
    }


def plain_chunks(
    filled: NDArray[np.int64], lag: int, chunk: int, rate_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wander and noise of int64 ``[R, 12, T]``."""
    bends = np.abs(filled[..., : -2 * lag] - 2 * filled[..., lag:-lag] + filled[..., 2 * lag :])
    n_chunks = bends.shape[-1] // chunk
    if n_chunks == 0:
        return np.zeros(filled.shape[:2]), np.zeros(filled.shape[:2])
    shape = (*filled.shape[:2], n_chunks, chunk)
    samples = filled[..., : n_chunks * chunk].reshape(shape)
    quiet = bends[..., : n_chunks * chunk].reshape(shape).mean(axis=-1)
    n_seconds = max(1, n_chunks // round(rate_hz / chunk))
    borders = [second * n_chunks // n_seconds for second in range(n_seconds + 1)]
    parts = list(pairwise(borders))
    means = np.stack([samples[:, :, start:stop].mean(axis=(-1, -2)) for start, stop in parts])
    return np.ptp(means, axis=0), np.stack([quiet[..., a:b].min(axis=-1) for a, b in parts]).mean(axis=0)


LAWS = [
    (1, {0: 1.0, 2: 1.0}),
    (3, {0: -0.5, 1: -0.5}),
    (4, {0: 0.5, 2: -0.5}),
    (5, {1: 0.5, 2: 0.5}),
]


def mean_law(block: Block, there: NDArray[np.bool_], lead: int, weights: dict[int, float]) -> NDArray[np.float64]:
    errors = np.abs(block[:, lead] - sum(weight * block[:, other] for other, weight in weights.items()))
    counted = there[:, [lead, *weights]].all(axis=1)
    mean: NDArray[np.float64] = (errors * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return mean


def correlation(lead: NDArray[np.int64], chest: NDArray[np.int64], lag: int, rate_hz: float) -> float:
    a, b = np.diff(lead[::lag]).astype(float), np.diff(chest[::lag]).astype(float)
    n_seconds = max(1, len(a) // round(rate_hz / lag))
    borders = [second * len(a) // n_seconds for second in range(n_seconds + 1)]
    found = []
    for start, stop in pairwise(borders):
        u, v = a[start:stop], b[start:stop]
        power = np.sqrt((u * u).sum() * (v * v).sum())
        found.append((u * v).sum() / power if power > 0 else 0.0)
    return float(np.mean(found))


@pytest.mark.parametrize(
    ("rate_hz", "n_times"), [(500, 5000), (250, 2500), (100, 1000), (500, 4999), (500, 77), (500, 20), (100, 35)]
)
@pytest.mark.parametrize("spread", [100, 9000])
def test_every_figure_is_what_its_definition_says(rate_hz: int, n_times: int, spread: float) -> None:
    block = make_block(n_times, spread=spread)
    seen, expected = scan(block, 2000, rate_hz)._asdict(), plain(block, 2000, rate_hz)
    assert set(seen) == {*expected, "content"}
    for name, true in expected.items():
        if seen[name].dtype.kind == "f":
            np.testing.assert_allclose(seen[name], true, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(seen[name], true, err_msg=name)


def test_a_single_sample_is_enough() -> None:
    block = np.full((1, 12, 1), 5, np.int16)
    seen = scan(block, 2000, 500)
    assert seen.flat.all()
    assert (seen.low == 5).all()
    assert seen.count.sum() == 0


def test_a_record_gives_the_same_wherever_its_block_begins() -> None:
    block = make_block(1003)
    alone = [scan(block[row : row + 1], 2000, 500)._asdict() for row in range(len(block))]
    for name, whole in scan(block, 2000, 500)._asdict().items():
        np.testing.assert_array_equal(whole, np.concatenate([seen[name] for seen in alone]))


def test_records_can_be_chosen_by_mask_and_by_number() -> None:
    seen = scan(make_block(100), 2000, 500)
    by_mask = seen.select(np.array([True, False, False, True, False, False]))._asdict()
    by_number = seen.select(np.array([0, 3]))._asdict()
    for name, whole in seen._asdict().items():
        np.testing.assert_array_equal(by_mask[name], whole[[0, 3]])
        np.testing.assert_array_equal(by_number[name], whole[[0, 3]])


@pytest.mark.parametrize("n_times", [5000, 4999, 20, 1])
def test_digests_differ_where_one_sample_does_and_only_there(n_times: int) -> None:
    base = make_block(n_times)[5:6]
    rng = np.random.default_rng(1)
    changed = np.repeat(base, 200, axis=0)
    places = rng.permutation(12 * n_times)[:200]
    for row, place in enumerate(places):
        changed[row].reshape(-1).view(np.uint16)[place] ^= np.uint16(1 << rng.integers(16))
    digests = scan(np.concatenate([base, base, changed]), 2000, 500).content
    assert digests[0] == digests[1]
    assert len(set(digests.tolist())) == 1 + len(places)  # one digest a place, and the unchanged


@pytest.mark.parametrize("change", ["leads exchanged", "moved by one sample", "0 for missing", "negated"])
def test_digests_differ_after_changes_that_happen_to_real_recordings(change: str) -> None:
    base = make_block(5000)[1:2]
    other = {
        "leads exchanged": base[:, [1, 0, *range(2, 12)]],
        "moved by one sample": np.roll(base, 1, axis=-1),
        "0 for missing": np.where(base == MISSING_SAMPLE, np.int16(0), base),
        "negated": np.where(base == MISSING_SAMPLE, base, -base),
    }[change]
    assert scan(base, 2000, 500).content != scan(np.ascontiguousarray(other), 2000, 500).content


def test_the_digest_of_known_samples_never_changes() -> None:
    samples = np.arange(2 * 12 * 300, dtype=np.int16).reshape(2, 12, 300)
    assert scan(samples, 2000, 500).content.tolist() == [190791690645240615, 2836263549514984119]


@pytest.mark.parametrize("n_times", [5000, 4998, 4, 1])
def test_leads_are_put_in_their_place(n_times: int) -> None:
    stored = np.random.default_rng(0).integers(-32768, 32768, (3, n_times, 12), dtype=np.int16)
    channels = (3, 0, 11, 7, 5, 4, 2, 1, 6, 10, 9, 8)
    out = np.zeros((3, 12, n_times), np.int16)
    to_lead_major(stored, channels, out)
    np.testing.assert_array_equal(out, stored[:, :, channels].transpose(0, 2, 1))
