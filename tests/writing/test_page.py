"""Verdicts of the statements on the page of written reports."""

from ecgmm.writing.page import marked, marked_reference

REFERENCE = ["sinus rhythm", "no left bundle branch block", "possible inferior infarct, old", "lead v1 missing"]


def test_a_written_statement_is_marked_by_the_worst_of_its_findings() -> None:
    written = [
        "sinus rhythm",
        "left bundle branch block",
        "inferior infarct, old",
        "atrial fibrillation",
        "no atrial flutter",
    ]
    verdicts = [line.verdict for line in marked(written, REFERENCE)]
    assert verdicts == ["right", "contradicted", "hedged", "hallucinated", "neutral"]


def test_a_real_statement_is_found_or_missing_where_it_states_a_finding() -> None:
    lines = marked_reference(["sinus rhythm", "left axis deviation", "lead v1 missing"], ["sinus rhythm"])
    assert [line.verdict for line in lines] == ["found", "missing", "neutral"]
