"""Contradicted reports: one statement is another, by classes or denied, and the batch says whose report is its own."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from ecgmm.text.statements import findings_of
from ecgmm.training.contradiction import DENIALS, Contradictions, by_class, contradicted
from ecgmm.types import Batch
from tests.models.building import STATEMENTS, TOKENISER, VOCABULARY, batch_of

REPORTS = [
    ["sinus rhythm", "normal ecg"],
    ["sinus rhythm", "inferior infarct, old", "left axis deviation"],
    ["atrial fibrillation", "left bundle branch block", "left ventricular hypertrophy"],
    ["sinus rhythm"],
    [],
]
CLASSES = {"NORM": ["normal ecg"], "MI": ["inferior infarct, old", "anterior infarct, acute"], "HYP": [STATEMENTS[7]]}


def made(report: list[str], n: int = 200) -> list[list[str]]:
    return [
        found for seed in range(n) if (found := contradicted(report, CLASSES, np.random.default_rng(seed))) is not None
    ]


@pytest.mark.parametrize("statement", ["old inferior infarct", "left bundle branch block", "normal ecg"])
@pytest.mark.parametrize("denial", DENIALS)
def test_the_rule_table_understands_every_denial(denial: str, statement: str) -> None:
    assert all(finding.negated for finding in findings_of(denial.format(statement)))


def test_statements_are_sorted_by_the_one_class_that_they_assert() -> None:
    said = [*STATEMENTS, "no left ventricular hypertrophy", "lvh with st-t changes"]
    found = by_class(said)
    assert found["NORM"] == ["normal ecg"]
    assert found["MI"] == ["inferior infarct, old", "anterior infarct, acute"]
    assert found["HYP"] == ["left ventricular hypertrophy"], "neither denied nor of two classes"


def test_one_statement_of_a_class_becomes_what_the_report_does_not_say() -> None:
    for report in REPORTS[:3]:
        for found in made(report):
            (at,) = [index for index, (a, b) in enumerate(zip(found, report, strict=True)) if a != b]
            assert findings_of(report[at])[0].superclass, "a rhythm has no opposite"
            if report[at] in found[at]:
                assert found[at] in [denial.format(report[at]) for denial in DENIALS]
            else:
                assert findings_of(found[at])[0].superclass not in {
                    one.superclass for text in report for one in findings_of(text)
                }


def test_one_in_four_is_denied_and_a_finding_becomes_normal_as_often_as_another() -> None:
    found = [report[1] for report in made(REPORTS[1], 2000)]
    assert np.mean([STATEMENTS[2] in text for text in found]) == pytest.approx(0.25, abs=0.03)
    assert found.count("normal ecg") == pytest.approx(found.count(STATEMENTS[7]), rel=0.15)


@pytest.mark.parametrize("report", REPORTS[3:])
def test_what_states_no_class_cannot_be_contradicted(report: list[str]) -> None:
    assert not made(report)


@pytest.fixture
def contradictions() -> Contradictions:
    """Of a store whose rows have the reports above."""
    data: Any = SimpleNamespace(
        store=SimpleNamespace(reports=pl.DataFrame({"statements": REPORTS})),
        rows={"train": np.arange(3)},
        report_of_row=np.array([0, 1, 2, 3, 4, -1]),
        labels=SimpleNamespace(label_set=SimpleNamespace(masks=("superclass",), phrases=())),
        tokeniser=TOKENISER,
        statement_vocabulary=VOCABULARY,
    )
    return Contradictions(data, "full", 64)


def of_rows(rows: list[int]) -> Batch:
    parts = Batch(*(part[: len(rows)] for part in batch_of("single_label")))
    table = TOKENISER.encode_reports([REPORTS[row] for row in rows])
    lengths = torch.from_numpy(table.lengths)
    return parts._replace(
        rows=torch.tensor(rows),
        token_ids=torch.from_numpy(table.ids).long(),
        token_mask=torch.arange(table.ids.shape[1]) < lengths[:, None],
        statement_ids=torch.from_numpy(VOCABULARY.encode([REPORTS[row] for row in rows])).long(),
        has_report=lengths > 0,
    )


def test_the_batch_has_the_words_of_the_contradicted_report_and_says_so(contradictions: Contradictions) -> None:
    batch = of_rows([1, 3, 0, 2])
    chosen = torch.tensor([True, True, False, True])
    found = contradictions(batch, chosen, torch.Generator().manual_seed(0))
    assert found.report_is_own.tolist() == [False, True, True, False], "sinus rhythm has no opposite"
    assert batch.report_is_own.all(), "the batch itself stays"
    for place, report in ((1, REPORTS[3]), (2, REPORTS[0])):
        assert (
            found.token_ids[place][found.token_mask[place]].tolist()
            == TOKENISER.encode_reports([report]).ids[0].tolist()
        )
    for place in (0, 3):
        own = batch.token_ids[place][batch.token_mask[place]].tolist()
        other = found.token_ids[place][found.token_mask[place]].tolist()
        assert own != other
        assert own[:2] == other[:2], "the rhythm stays"
    assert torch.equal(found.token_mask, found.token_ids != 0)
    assert torch.equal(found.labels, batch.labels)
    again = contradictions(batch, chosen, torch.Generator().manual_seed(0))
    assert torch.equal(again.token_ids, found.token_ids)


def test_where_nothing_states_a_class_the_batch_is_the_same(contradictions: Contradictions) -> None:
    batch = of_rows([3, 3])
    assert contradictions(batch, torch.tensor([True, True]), torch.Generator().manual_seed(0)) is batch


def test_a_masked_report_has_nothing_left_to_contradict(contradictions: Contradictions) -> None:
    contradictions.policy = "masked"
    batch = of_rows([1, 2])
    assert contradictions(batch, torch.tensor([True, True]), torch.Generator().manual_seed(0)) is batch
