"""Compiled loops over int16 samples: what ``scan`` does to each lead, for LLVM to turn into vector instructions.

What makes them fast: inner loops without branches, of a length that the compiler knows, over slices (a computed index
might be negative, which Python allows and vectors do not), in the narrowest integers that cannot overflow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ecgmm.compiled import compiled
from ecgmm.types import MISSING_SAMPLE

LARGEST_SQUARED = 5792
"""64 squares of it fit into 32 bits."""


@compiled
def _extremes(lead: Any) -> Any:
    """Smallest and largest of int16 ``[T]``."""
    low, high = np.int16(32767), np.int16(-32768)
    for time in range(lead.shape[0]):
        low = min(low, lead[time])
        high = max(high, lead[time])
    return low, high


@compiled
def _hold_gaps(lead: Any, held: Any) -> Any:
    """Copy a lead with its gaps held; returns missing samples and the extremes of the others."""
    missing, low, high = 0, np.int16(32767), np.int16(-32768)
    last = np.int16(0)
    for sample in lead:
        if sample != MISSING_SAMPLE:
            last = sample
            break
    for time in range(lead.shape[0]):
        if lead[time] == MISSING_SAMPLE:
            missing += 1
        else:
            last = lead[time]
            low = min(low, last)
            high = max(high, last)
        held[time] = last
    return missing, low, high


@compiled
def _in_runs(earlier: Any, later: Any, low: Any, high: Any) -> Any:
    """Samples that are an extreme of the lead, as is the sample after.

    An extreme nearer to 0 than a quarter of the lead's range is a quiet baseline and no limit of the recorder.
    """
    span = np.int32(high) - np.int32(low)
    bottom = low if 4 * abs(np.int32(low)) > span else high
    top = high if 4 * abs(np.int32(high)) > span else low
    count = np.int32(0)
    for time in range(later.shape[0]):
        first, second = earlier[time], later[time]
        count = np.int32(count + np.int32((first == second) & ((first == bottom) | (first == top))))
    return count


@compiled
def _largest_jump(earlier: Any, later: Any) -> Any:
    largest = np.int32(0)
    for time in range(later.shape[0]):
        largest = max(largest, abs(np.int32(np.int32(later[time]) - np.int32(earlier[time]))))
    return largest


@compiled
def _limited_sums(lead: Any, limit: Any) -> Any:
    """Sum and sum of squares of the samples that are there, each limited; slower, for few leads."""
    total, squares = 0, 0
    for sample in lead:
        if sample != MISSING_SAMPLE:
            limited = min(max(np.int64(sample), -limit), limit)
            total += limited
            squares += limited * limited
    return total, squares


@compiled
def _law_error(lead: Any, weight: Any, first: Any, first_sign: Any, second: Any, second_sign: Any, gaps: Any) -> Any:
    """Mean of abs(lead + (first_sign * first + second_sign * second) / weight) where all three are there."""
    error, count = np.int64(0), lead.shape[0]
    if gaps:
        count = 0
        for time in range(lead.shape[0]):
            a, b, c = lead[time], first[time], second[time]
            if a != MISSING_SAMPLE and b != MISSING_SAMPLE and c != MISSING_SAMPLE:
                error += abs(weight * np.int64(a) + first_sign * np.int64(b) + second_sign * np.int64(c))
                count += 1
    else:
        for time in range(lead.shape[0]):
            a, b, c = np.int32(lead[time]), np.int32(first[time]), np.int32(second[time])
            error += abs(np.int32(weight * a + first_sign * b + second_sign * c))
    return error / (weight * max(count, 1))


@compiled
def _law_errors(record: Any, gaps: Any, out: Any) -> None:
    """Mean errors of II, aVR, aVL and aVF against what I, II and III make of them."""
    first, second, third = record[0], record[1], record[2]
    out[0] = _law_error(second, 1, first, -1, third, -1, gaps)
    out[1] = _law_error(record[3], 2, first, 1, second, 1, gaps)
    out[2] = _law_error(record[4], 2, first, -1, third, 1, gaps)
    out[3] = _law_error(record[5], 2, second, -1, third, -1, gaps)


@compiled
def _correlation(cross: Any, power: Any, other_power: Any) -> Any:
    product = np.float64(power) * np.float64(other_power)
    return cross / np.sqrt(product) if product > 0 else 0.0


@compiled
def _correlate_changes(record: Any, lag: Any, per_second: Any, out: Any) -> None:
    """Mean over the seconds of the correlations of aVR, aVL, aVF with V6; a burst of noise spoils but its own second.

    One change every ``lag`` samples is enough, at any rate.
    """
    right, left, foot, chest = record[3], record[4], record[5], record[11]
    n_changes = (record.shape[1] - 1) // lag
    n_seconds = max(1, n_changes // per_second)
    mean_r, mean_l, mean_f = 0.0, 0.0, 0.0
    for second in range(n_seconds):
        cross_r = cross_l = cross_f = power_r = power_l = power_f = power_c = np.int64(0)
        for number in range(second * n_changes // n_seconds, (second + 1) * n_changes // n_seconds):
            old, new = number * lag, (number + 1) * lag
            r, f = np.int64(right[new]) - np.int64(right[old]), np.int64(foot[new]) - np.int64(foot[old])
            a, c = np.int64(left[new]) - np.int64(left[old]), np.int64(chest[new]) - np.int64(chest[old])
            cross_r, cross_l, cross_f = cross_r + r * c, cross_l + a * c, cross_f + f * c
            power_r, power_l, power_f, power_c = power_r + r * r, power_l + a * a, power_f + f * f, power_c + c * c
        mean_r += _correlation(cross_r, power_r, power_c) / n_seconds
        mean_l += _correlation(cross_l, power_l, power_c) / n_seconds
        mean_f += _correlation(cross_f, power_f, power_c) / n_seconds
    out[0], out[1], out[2] = mean_r, mean_l, mean_f


def _chunk_sums(chunk: int) -> Callable[..., Any]:
    """Sums over chunks of ``chunk`` samples, a number the compiler knows."""

    @compiled
    def chunk_sums(lead: Any, lag: Any, totals: Any, powers: Any, curvatures: Any) -> None:
        """Fill the sums of samples, of squares and of absolute second differences, int32 ``[n]`` each."""
        for number in range(totals.shape[0]):
            start = number * chunk
            first = lead[start : start + chunk]
            second = lead[start + lag : start + lag + chunk]
            third = lead[start + 2 * lag : start + 2 * lag + chunk]
            total, squares, bends = np.int32(0), np.int32(0), np.int32(0)
            for time in range(chunk):
                a, b, c = np.int32(first[time]), np.int32(second[time]), np.int32(third[time])
                total = np.int32(total + a)
                squares = np.int32(squares + np.int32(a * a))
                bends = np.int32(bends + abs(np.int32(a - np.int32(2 * b) + c)))
            totals[number], powers[number], curvatures[number] = total, squares, bends

    return chunk_sums


_sums_of_64, _sums_of_32, _sums_of_16 = _chunk_sums(64), _chunk_sums(32), _chunk_sums(16)


@compiled
def _sum(values: Any) -> Any:
    total = np.int64(0)
    for number in range(values.shape[0]):
        total += values[number]
    return total


@compiled
def _wander_and_noise(totals: Any, bends: Any, chunk: Any, per_second: Any) -> Any:
    """Range of the seconds' means, and the mean over seconds of their quietest chunk's mean second difference."""
    n_chunks = totals.shape[0]
    n_seconds = max(1, n_chunks // per_second)
    lowest, highest, noise = np.inf, -np.inf, 0.0
    for second in range(n_seconds):
        start, stop = second * n_chunks // n_seconds, (second + 1) * n_chunks // n_seconds
        total, quietest = np.int64(0), np.int64(2**62)
        for number in range(start, stop):
            total += totals[number]
            quietest = min(quietest, np.int64(bends[number]))
        mean = total / ((stop - start) * chunk)
        lowest, highest = min(lowest, mean), max(highest, mean)
        noise += quietest / chunk
    return highest - lowest, noise / n_seconds


@compiled
def _scan_extremes(record: Any, held: Any, missing: Any, low: Any, high: Any) -> Any:
    """Fill the first figures of a record; copies it with its gaps held where it has any, and says so."""
    gaps = False
    for number in range(record.shape[0]):
        low[number], high[number] = _extremes(record[number])
        gaps |= low[number] == MISSING_SAMPLE
        missing[number] = 0
    if gaps:
        for number in range(record.shape[0]):
            missing[number], low[number], high[number] = _hold_gaps(record[number], held[number])
    return gaps


@compiled
def scan_block(block: Any, limit: Any, lag: Any, chunk: Any, rate_hz: Any, seen: Any) -> None:
    """Fill ``seen``, a ``Scan``, for int16 ``[R, 12, T]``."""
    n_records, n_leads, n_times = block.shape
    n_chunks = max(0, (n_times - 2 * lag) // chunk)
    sums = np.empty((3, n_chunks), np.int32)
    totals, squares, bends = sums[0], sums[1], sums[2]
    held = np.empty((n_leads, n_times), np.int16)
    for row in range(n_records):
        raw = block[row]
        gaps = _scan_extremes(raw, held, seen.missing[row], seen.low[row], seen.high[row])
        record = held if gaps else raw
        for number in range(n_leads):
            lead, low, high = record[number], seen.low[row, number], seen.high[row, number]
            missing, flat = seen.missing[row, number], low >= high
            if chunk == 64:
                _sums_of_64(lead, lag, totals, squares, bends)
            elif chunk == 32:
                _sums_of_32(lead, lag, totals, squares, bends)
            else:
                _sums_of_16(lead, lag, totals, squares, bends)
            simple = missing == 0 and max(-np.int64(low), np.int64(high)) <= min(limit, LARGEST_SQUARED)
            rest = n_chunks * chunk if simple else 0
            total, power = _limited_sums(raw[number, rest:], limit)
            if simple:
                total += _sum(totals)
                power += _sum(squares)
            seen.flat[row, number] = flat
            seen.count[row, number] = 0 if flat else n_times - missing
            seen.total[row, number] = 0 if flat else total
            seen.squares[row, number] = 0 if flat else power
            seen.in_runs[row, number] = 0 if flat else _in_runs(raw[number], raw[number, 1:], low, high)
            seen.wander[row, number], seen.noise[row, number] = 0.0, 0.0
            if n_chunks:
                wander, noise = _wander_and_noise(totals, bends, chunk, round(rate_hz / chunk))
                seen.wander[row, number], seen.noise[row, number] = wander, noise
            seen.jump[row, number] = _largest_jump(lead, lead[lag:])
        _law_errors(raw, gaps, seen.law_error[row])
        _correlate_changes(record, lag, round(rate_hz / lag), seen.v6_correlation[row])
