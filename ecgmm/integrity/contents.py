"""Content of ``integrity.json``: every number of the report, of one finished store."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ecgmm.data.store.splits import SPLITS
from ecgmm.data.store.store import DROPPED, Store
from ecgmm.integrity.columns import COLUMNS, distributions
from ecgmm.integrity.duplicates import duplicates
from ecgmm.integrity.leads import amplitudes, damage

SCHEMA_VERSION = 1
NO_SWAP = "none"

_MOST_EXAMPLES = 5
_N_WORST = 6
_ORDINARY = (0.4, 0.6)  # places in the order of quality
_SHOWN = ("record", "window", "split", "limb_swap")


def measure(store: Store) -> dict[str, Any]:
    """Measure a store; the keys are described in docs/understand/integrity.md."""
    manifest = store.manifest
    return {
        "schema_version": SCHEMA_VERSION,
        "fingerprint": store.fingerprint,
        "source": manifest["source"]["name"],
        "rate_hz": manifest["rate_hz"],
        "n_times": manifest["n_times"],
        "uv_per_step": manifest["uv_per_step"],
        "kept": _kept(store.records),
        "dropped": dropped(pl.read_parquet(store.path / DROPPED, glob=False)),
        "duplicates": duplicates(store),
        "columns": distributions(store.records),
        "limb_swap": _swaps(store.records["limb_swap"]),
        "damage": damage(store),
        "amplitudes": amplitudes(store),
        "pictures": choose_pictures(store.records),
    }


def _kept(records: pl.DataFrame) -> dict[str, Any]:
    keys = records.select("record", "patient", "split")
    return {
        **_count(keys),
        "without_waveform": int((~records["has_waveform"]).sum()),
        "without_report": int((records["report"] < 0).sum()),
        "splits": {name: _count(keys.filter(pl.col("split") == name)) for name in SPLITS},
    }


def _count(keys: pl.DataFrame) -> dict[str, int]:
    # numpy sorts; the hash tables of polars would be the report's largest piece of memory
    distinct = {f"{key}s": len(np.unique(keys[key].to_numpy())) for key in ("record", "patient")}
    return {"rows": keys.height, **distinct}


def dropped(table: pl.DataFrame) -> dict[str, Any]:
    """Count what was left out by reason, the most frequent one first.

    Args:
        table: The store's ``dropped.parquet``.

    Returns:
        ``records``, and ``reasons`` with the ``count`` and ``examples`` of each; those with the smallest numbers.
    """
    ordered = table.sort("record", "path", nulls_last=True)
    reasons = ordered.group_by("reason").agg(
        pl.len().alias("count"), pl.struct("record", "path").head(_MOST_EXAMPLES).alias("examples")
    )
    return {"records": table.height, "reasons": reasons.sort("count", "reason", descending=[True, False]).to_dicts()}


def _swaps(kinds: pl.Series) -> dict[str, int]:
    """Rows of each suspected swap, the most frequent one first."""
    counts = kinds.rename("swap").value_counts(name="rows").filter(pl.col("swap") != NO_SWAP)
    return dict(counts.sort("rows", "swap", descending=[True, False]).iter_rows())


def choose_pictures(records: pl.DataFrame) -> list[dict[str, Any]]:
    """Choose rows to draw: the lowest scores, each of another patient and recording, and two from the middle.

    Rows without a usable waveform are left out; of equal scores the first row counts.
    """
    usable = np.flatnonzero(records["has_waveform"].to_numpy())
    order = usable[records["quality"].to_numpy()[usable].argsort(kind="stable")]
    worst = _first_different(order, records["patient"].to_numpy(), records["content"].to_numpy())
    others = order[~np.isin(order, worst)]
    ordinary = others[sorted({int(len(others) * share) for share in _ORDINARY})] if len(others) else others
    rows = [(row, False) for row in worst] + [(row, True) for row in ordinary.tolist()]
    return [_describe(records, row, ordinary) for row, ordinary in rows]


def _first_different(order: NDArray[np.int64], *keys: NDArray[Any]) -> list[int]:
    """The first rows of an order that share no key with one before them."""
    chosen: list[int] = []
    seen: list[set[int]] = [set() for _ in keys]
    for row in order:
        own = [int(key[row]) for key in keys]
        if not any(value in known for value, known in zip(own, seen, strict=True)):
            chosen.append(int(row))
            for value, known in zip(own, seen, strict=True):
                known.add(value)
        if len(chosen) == _N_WORST:
            break
    return chosen


def _describe(records: pl.DataFrame, row: int, ordinary: bool) -> dict[str, Any]:
    values = [pl.col(column.name).cast(pl.Float64).round_sig_figs(6).fill_nan(None) for column in COLUMNS]
    return {"row": row, "ordinary": ordinary, **records[row].select(*_SHOWN, *values).row(0, named=True)}
