"""Damaged files of every kind through preparation: ``python -m benchmarks.fuzz [--cases 10000] [--seed 0]``.

Each case mutates the header, the samples or the table row of one record, or a whole table, in a tree of sound ones, and
prepares the tree. A recording that is kept must hold the millivolts that ``wfdb`` reads, a row what Python's ``csv``
reads; everything else must be dropped under a reason, or the table refused in one sentence. Saved models, settings and
reports are mutated too (``fuzzing/model_batch.py`` and its neighbours say what must hold), and sound WFDB records of
every form are generated (``fuzzing/format_batch.py``). Prints what became of each mutation and, last, JSON; ends with
exit code 1, and a command for each, where a case fails. ``--kind`` (one, or all that begin so, as ``formats``) and
``--case`` run some or one.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.fuzzing import format_batch, model_batch, record_batch, report_batch, settings_batch, table_batch
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict
from ecgmm.data.sources.known_values import FEW

SHARES = {
    "header": 0.25,
    "samples": 0.1,
    "formats": 0.05,
    "cell": 0.05,
    "file": 0.05,
    "model": 0.05,
    "settings": 0.1,
    "report": 0.35,
}
BATCHES = (record_batch, format_batch, table_batch, model_batch, settings_batch, report_batch)
KINDS = [kind for batch in BATCHES for kind in batch.KINDS]
BATCH = dict.fromkeys(SHARES, 100) | {"cell": FEW}
"""Cases at once; of rows so few that their table is not refused for what it holds."""


def cases_of(kind: str, n_cases: int, seed: int) -> list[Case]:
    """The cases of one kind in a run of ``n_cases`` of all kinds."""
    family = kind.partition(".")[0]
    own = [name for name in KINDS if name.partition(".")[0] == family]
    total = round(n_cases * SHARES[family])
    number = total // len(own) + (own.index(kind) < total % len(own))
    return [Case(kind, seed, case) for case in range(number)]


def run(cases: list[Case]) -> list[Verdict]:
    """Judge cases of one kind; each alone where preparation raises what it should not, to know the culprit."""
    batch = next(batch for batch in BATCHES if cases[0].kind in batch.KINDS)
    with tempfile.TemporaryDirectory() as folder:
        try:
            verdicts: list[Verdict] = batch.judge(cases, Path(folder))
            return verdicts
        except Exception as error:  # whatever it is, it is a finding
            if len(cases) == 1:
                return [Verdict(cases[0], Outcome.FAILED, f"{type(error).__name__}: {error}", False)]
    return [verdict for case in cases for verdict in run([case])]


def show(verdicts: list[Verdict]) -> None:
    """Print the outcomes of each kind, and why records were dropped and tables refused."""
    table = Table(title="Mutations and what became of them")
    headings = ["cases", *Outcome, "elsewhere readable, not kept"]
    for heading in ("", *headings):
        table.add_column(heading, justify="right" if heading else "left")
    for kind in dict.fromkeys(verdict.case.kind for verdict in verdicts):
        own = [verdict for verdict in verdicts if verdict.case.kind == kind]
        counts = Counter(verdict.outcome for verdict in own)
        left = sum(verdict.elsewhere and verdict.outcome in (Outcome.DROPPED, Outcome.REFUSED) for verdict in own)
        table.add_row(kind, *(str(number or "") for number in (len(own), *(counts[name] for name in Outcome), left)))
    Console(width=140).print(table)
    reasons = Table(title="Reasons")
    for heading in ("cases", "outcome", "reason"):
        reasons.add_column(heading, justify="right" if heading == "cases" else "left")
    counted = Counter((verdict.outcome, verdict.detail) for verdict in verdicts if verdict.detail)
    for (outcome, detail), number in counted.most_common():
        reasons.add_row(str(number), outcome, detail)
    Console(width=140).print(reasons)


def main() -> None:
    """Run, print the tables, the failed cases and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=[*KINDS, *SHARES], metavar="KIND")
    parser.add_argument("--case", type=int)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # wfdb's and numpy's, of damaged files
    started = time.perf_counter()
    verdicts: list[Verdict] = []
    chosen = [kind for kind in KINDS if arguments.kind in (None, kind, kind.partition(".")[0])]
    for kind in chosen:
        cases = cases_of(kind, arguments.cases, arguments.seed)
        if arguments.case is not None:
            cases = [Case(kind, arguments.seed, arguments.case)]
        batch = FEW if kind.endswith("not_a_file") else BATCH[kind.partition(".")[0]]  # more links would be refused
        for start in range(0, len(cases), batch):
            verdicts += run(cases[start : start + batch])
        n_failed = sum(verdict.outcome == Outcome.FAILED for verdict in verdicts)
        print(f"{kind}: {len(cases)} cases, {n_failed} failed so far", file=sys.stderr, flush=True)
    show(verdicts)
    failed = [verdict for verdict in verdicts if verdict.outcome == Outcome.FAILED]
    for verdict in failed:
        print(f"{verdict.detail}\n    {verdict.case.command()}")
    counts = Counter(verdict.outcome for verdict in verdicts)
    result = {
        "benchmark": "fuzz",
        "cases": len(verdicts),
        "seed": arguments.seed,
        **{outcome.name.lower(): counts[outcome] for outcome in Outcome},
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(result))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
