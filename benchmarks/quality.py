"""What the quality columns are worth on real recordings.

    python -m benchmarks.quality --root /data/ecg-quality-sample [--ptb-xl /data/ptb-xl-sample]

``--root`` holds WFDB recordings and ``quality.csv`` (columns record, quality: acceptable or unacceptable). Measured:
how well the score separates the two, also at other rates and lengths and with every constant halved or doubled; what a
model fitted to the columns would add; how often an exchange of limb electrodes is noticed, and suspected where there is
none, also in the PTB-XL recordings; what it all costs. The last line is JSON.
"""

import argparse
import json
import platform
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneOut, RepeatedStratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.prepare import seconds
from ecgmm.data.preparation.single_record import read_record
from ecgmm.signal import quality
from ecgmm.signal.electrodes import LEADS_FROM_ELECTRODES
from ecgmm.signal.quality import quality_columns
from ecgmm.signal.resample import resample_block
from ecgmm.signal.scan import scan, to_lead_major

RATE_HZ, N_TIMES, UV_PER_STEP, LIMIT_MV = 500, 5000, 5.0, 10.0
Block = NDArray[np.int16]
EXCHANGES = {  # limb leads as they are recorded after two electrodes were exchanged: which lead, and its sign
    "ra_la": ([0, 2, 1, 4, 3, 5], [-1, 1, 1, 1, 1, 1], [1, 0, 2]),
    "ra_ll": ([2, 1, 0, 5, 4, 3], [-1, -1, -1, 1, 1, 1], [2, 1, 0]),
    "la_ll": ([1, 0, 2, 3, 5, 4], [1, 1, -1, 1, 1, 1], [0, 2, 1]),
}
CONSTANTS = [name for name in vars(quality) if name.startswith("HALVING")]


def columns(block: Block, rate_hz: float = RATE_HZ) -> dict[str, NDArray[Any]]:
    """The columns of int16 ``[R, 12, T]``."""
    limit_steps = int(LIMIT_MV * 1000 / UV_PER_STEP)
    seen = scan(np.ascontiguousarray(block), limit_steps, rate_hz)
    return quality_columns(seen, UV_PER_STEP, rate_hz, block.shape[-1])


def read_all(paths: list[Path], rate_hz: int) -> Block:
    """int16 ``[R, 12, 10 s]``."""
    return np.concatenate([read_record(path, rate_hz, 10 * rate_hz, UV_PER_STEP) for path in paths])


def separation(block: Block, acceptable: NDArray[np.bool_]) -> dict[str, float]:
    """AUROC of the score, and how far it depends on circumstances."""
    found = columns(block)
    score = found["quality"]
    whole = found["flat_leads"] == 0
    kept = {f"kept_from_{limit}": score >= limit for limit in (0.5, 0.7)}
    rng = np.random.default_rng(0)
    draws = rng.integers(len(score), size=(2000, len(score)))
    low, high = np.quantile([roc_auc_score(acceptable[draw], score[draw]) for draw in draws], [0.025, 0.975])
    return {
        "auroc": roc_auc_score(acceptable, score),
        "auroc_low": low,
        "auroc_high": high,
        "auroc_without_flat_leads": roc_auc_score(acceptable[whole], score[whole]),
        "auroc_250_hz": roc_auc_score(acceptable, columns(resample_block(block, RATE_HZ, 250), 250)["quality"]),
        "auroc_100_hz": roc_auc_score(acceptable, columns(resample_block(block, RATE_HZ, 100), 100)["quality"]),
        "auroc_first_5_s": roc_auc_score(acceptable, columns(block[:, :, :2500])["quality"]),
        "auroc_worst_of_halved_or_doubled_constants": min(
            roc_auc_score(acceptable, with_constant(block, name, factor)) for name in CONSTANTS for factor in (0.5, 2)
        ),
        "accuracy_leave_one_out_threshold": left_out_accuracy(score, acceptable),
        "auroc_cross_validated_model": fitted_auroc(found, acceptable),
        **{f"acceptable_{name}": float(rows[acceptable].mean()) for name, rows in kept.items()},
        **{f"unacceptable_{name}": float(rows[~acceptable].mean()) for name, rows in kept.items()},
    }


def with_constant(block: Block, name: str, factor: float) -> NDArray[np.float32]:
    """The score with one of its constants changed."""
    with mock.patch.object(quality, name, getattr(quality, name) * factor):
        return columns(block)["quality"]


def left_out_accuracy(score: NDArray[np.float32], acceptable: NDArray[np.bool_]) -> float:
    """Accuracy on each record under the threshold that is best on all others."""
    right = []
    for others, own in LeaveOneOut().split(score):
        accuracy = [((score[others] >= threshold) == acceptable[others]).mean() for threshold in score[others]]
        right.append(((score[own] >= score[others][np.argmax(accuracy)]) == acceptable[own]).item())
    return float(np.mean(right))


def fitted_auroc(found: dict[str, NDArray[Any]], acceptable: NDArray[np.bool_]) -> float:
    """Median AUROC over ten 10-fold cross-validations of a logistic regression on the logarithms of the columns."""
    names = ("flat_leads", "clipped_share", "amplitude_mv", "drift_mv", "noise_mv", "lead_law_error_mv")
    inputs = np.log(np.stack([found[name] for name in names], axis=1).astype(np.float64) + 1e-3)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=1)
    scores = []
    for seed in range(10):
        folds.random_state = seed
        splits = list(folds.split(inputs, acceptable))
        chances = cross_val_predict(model, inputs, acceptable, cv=splits, method="predict_proba")[:, 1]
        scores.append(float(roc_auc_score(acceptable, chances)))
    return statistics.median(scores)


def with_lawful_leads(block: Block) -> Block:
    """Recordings with III, aVR, aVL, aVF computed from I and II: in the CinC 2011 sample aVL and aVF change places."""
    first, second = block[:, 0].astype(np.int32), block[:, 1].astype(np.int32)
    made = np.stack([second - first, -(first + second) // 2, (2 * first - second) // 2, (2 * second - first) // 2], 1)
    lawful = block.copy()
    lawful[:, 2:6] = made.clip(-32767, 32767)
    return lawful


def exchanged(block: Block, kind: str) -> Block:
    """Recordings as they would be after two limb electrodes were exchanged: limb leads change places and signs."""
    leads, signs, _ = EXCHANGES[kind]
    changed = block.copy()
    changed[:, :6] = block[:, leads] * np.array(signs, dtype=np.int16)[:, None]
    return changed


def exchanged_at_electrodes(block: Block, kind: str) -> NDArray[np.float64]:
    """The same by way of the electrodes' potentials, which needs recordings that keep the lead laws."""
    steps = block.astype(np.float64)
    limbs = np.stack([np.zeros_like(steps[:, 0]), steps[:, 0], steps[:, 1]], axis=1)  # the right arm is 0
    chest = steps[:, 6:] + limbs.mean(axis=1, keepdims=True)
    electrodes = np.concatenate([limbs[:, EXCHANGES[kind][2]], chest], axis=1)
    leads: NDArray[np.float64] = LEADS_FROM_ELECTRODES.numpy().astype(np.float64) @ electrodes
    return leads


def swap_rates(block: Block, rate_hz: int) -> dict[str, float]:
    """Shares of the records in which an exchange is named, as they are and after each exchange."""
    rates = {"records": float(len(block)), "suspected_as_they_are": float(np.mean(suspicion(block, rate_hz) != "none"))}
    for kind in EXCHANGES:
        named = suspicion(exchanged(block, kind), rate_hz)
        rates[f"{kind}_noticed"] = float(np.mean(named != "none"))
        rates[f"{kind}_named_rightly"] = float(np.mean(named == kind))
    return rates


def suspicion(block: Block, rate_hz: int) -> NDArray[np.str_]:
    """What ``limb_swap`` says."""
    return columns(block, rate_hz)["limb_swap"]


def costs(repeats: int) -> dict[str, float]:
    """Microseconds a record of 12 x 5000 in blocks of 16, medians: lead order, scan, columns, a plain copy."""
    stored = np.random.default_rng(0).normal(0, 60, (16, N_TIMES, 12)).astype(np.int16)
    block = np.empty((16, 12, N_TIMES), np.int16)
    order = tuple(range(12))
    to_lead_major(stored, order, block)
    seen = scan(block, 2000, RATE_HZ)
    target = np.empty_like(block)
    ways: dict[str, Callable[[], object]] = {
        "copy": lambda: np.copyto(target, block),
        "numpy_transposition": lambda: np.copyto(target, stored.transpose(0, 2, 1)),
        "to_lead_major": lambda: to_lead_major(stored, order, block),
        "scan": lambda: scan(block, 2000, RATE_HZ),
        "quality_columns": lambda: quality_columns(seen, UV_PER_STEP, RATE_HZ, N_TIMES),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            times[name].append(seconds(way) / len(block) * 1e6)
    return {f"us_{name}": statistics.median(values) for name, values in times.items()}


def print_table(title: str, rows: dict[str, float]) -> None:
    """One table of names and numbers."""
    table = Table("", "value", title=title)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), f"{value:,.4g}")
    Console().print(table)


def main() -> None:
    """Measure, print the tables and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--ptb-xl", type=Path)
    parser.add_argument("--repeats", type=int, default=51)
    arguments = parser.parse_args()
    listed = pl.read_csv(arguments.root / "quality.csv", schema_overrides={"record": pl.String})
    acceptable = (listed["quality"] == "acceptable").to_numpy()
    block = read_all([arguments.root / name for name in listed["record"]], RATE_HZ)
    results = {"score": separation(block, acceptable)}
    found = columns(block)
    faults = ("clipped_share", "amplitude_mv", "drift_mv", "noise_mv", "lead_law_error_mv")
    whole = found["flat_leads"] == 0
    results["one_column_alone_without_flat_leads"] = {
        name: float(roc_auc_score(~acceptable[whole], found[name][whole])) for name in faults
    }
    lawful = with_lawful_leads(block)
    results["swaps_acceptable"] = swap_rates(lawful[acceptable], RATE_HZ)
    results["swaps_unacceptable"] = swap_rates(lawful[~acceptable], RATE_HZ)
    for rate_hz in (100, 500) if arguments.ptb_xl else ():
        paths = sorted((arguments.ptb_xl / f"records{rate_hz}").rglob("*.hea"))
        recordings = read_all(paths, rate_hz)
        for margin in (0.1, quality.SWAP_MARGIN, 0.3):
            with mock.patch.object(quality, "SWAP_MARGIN", margin):
                results[f"swaps_ptb_xl_{rate_hz}_hz_margin_{margin}"] = swap_rates(recordings, rate_hz)
    apart = [np.abs(exchanged(lawful, kind) - exchanged_at_electrodes(lawful, kind)).max() for kind in EXCHANGES]
    results["exchange_of_leads"] = {"steps_from_exchange_of_electrodes": float(max(apart))}
    results["cost"] = costs(arguments.repeats)
    for title, rows in results.items():
        print_table(title.replace("_", " "), rows)
    rounded = {title: {name: round(value, 4) for name, value in rows.items()} for title, rows in results.items()}
    versions = {"machine": platform.machine(), "numpy": np.__version__, "numba": numba.__version__}
    print(json.dumps({"benchmark": "quality", "auroc": rounded["score"]["auroc"], **rounded, **versions}))


if __name__ == "__main__":
    main()
