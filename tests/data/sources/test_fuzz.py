"""Damaged files never crash preparation nor change a value without a word: some of ``benchmarks.fuzz``, seeds fixed."""

import json
import sys

import numpy as np
import pytest

from benchmarks import fuzz
from benchmarks.fuzz import KINDS, cases_of, run
from benchmarks.fuzzing import record_batch
from benchmarks.fuzzing.verdicts import Case, Outcome

pytestmark = pytest.mark.filterwarnings("ignore")  # wfdb's and numpy's, of damaged files


@pytest.mark.parametrize("kind", KINDS)
def test_each_mutation_is_read_as_elsewhere_or_dropped_under_a_reason(kind: str) -> None:
    verdicts = run([Case(kind, 1, number) for number in range(2)])
    assert [verdict for verdict in verdicts if verdict.outcome == Outcome.FAILED] == []
    assert all(verdict.detail for verdict in verdicts if verdict.outcome in (Outcome.DROPPED, Outcome.REFUSED))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2])
def test_two_thousand_mutations(seed: int) -> None:
    failed = [
        verdict.case.command()
        for kind in KINDS
        for verdict in run(cases_of(kind, 2000, seed))
        if verdict.outcome == Outcome.FAILED
    ]
    assert failed == []


def test_a_reader_that_reads_one_step_too_much_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    millivolts = record_batch._millivolts
    monkeypatch.setattr(record_batch, "_millivolts", lambda stored, layout: millivolts(stored + np.int16(1), layout))
    monkeypatch.setattr(sys, "argv", ["fuzz", "--kind", "header.lead_order", "--case", "5"])
    with pytest.raises(SystemExit) as stopped:
        fuzz.main()
    assert stopped.value.code == 1
    printed = capsys.readouterr().out
    assert "--seed 0 --kind header.lead_order --case 5" in printed
    assert json.loads(printed.splitlines()[-1])["failed"] == 1


def test_what_preparation_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("lost")

    monkeypatch.setattr(record_batch, "prepare_quietly", crash)
    (verdict,) = run([Case("samples.truncate", 0, 0)])
    assert (verdict.outcome, verdict.detail) == (Outcome.FAILED, "RuntimeError: lost")


def test_shares_add_up() -> None:
    assert sum(len(cases_of(kind, 10_000, 0)) for kind in KINDS) == 10_000
