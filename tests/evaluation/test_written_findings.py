"""Clinical agreement by hand: right, missed, false, denied and hedged findings; references against themselves."""

import numpy as np
import pytest

from ecgmm.evaluation.written_findings import findings_scorer, read

AF, LBBB, INFARCT = "atrial fibrillation", "left bundle branch block", "inferior infarct, old"
NO_LBBB, MAYBE_LBBB = "no left bundle branch block", "possible left bundle branch block"


def once(written: list[list[str]], references: list[list[str]], vocabulary: tuple[str, ...] = ()) -> dict[str, float]:
    scorer = findings_scorer(written, references, np.arange(len(written)), vocabulary)
    return {key: float(values[0]) for key, values in scorer(np.ones((len(written), 1))).items()}


def test_a_report_is_read_as_what_it_states_denies_and_speaks_of() -> None:
    reading = read([AF, NO_LBBB, "possible " + INFARCT, "summary: abnormal ecg", "lead v1 missing"])
    assert reading.stated == {"atrial fibrillation", "abnormal ecg"}
    assert reading.denied == {"left bundle branch block"}
    assert {"atrial fibrillation", "left bundle branch block"} < reading.mentioned
    assert read([LBBB, NO_LBBB]).denied == frozenset()


def test_by_hand() -> None:
    """One right and one hallucinated, one missed; precision 1/2, recall 1/2."""
    found = once([[AF, LBBB]], [[AF, INFARCT]], (AF,))
    assert [found[f"finding_{rate}"] for rate in ("precision", "recall", "f1")] == [0.5, 0.5, 0.5]
    assert found["hallucinated_per_report"] == 1
    assert found["contradicted_per_report"] == 0
    assert found["outside_vocabulary"] == 0.5
    assert found["not_understood"] == 0


@pytest.mark.parametrize(
    ("written", "reference", "precision", "recall", "hallucinated", "contradicted"),
    [
        ([LBBB], [NO_LBBB, AF], 0.0, 0.0, 0, 1),
        ([NO_LBBB, AF], [LBBB, AF], 1.0, 0.5, 0, 1),
        ([NO_LBBB, AF], [NO_LBBB, AF], 1.0, 1.0, 0, 0),
        ([LBBB, AF], [MAYBE_LBBB, AF], 0.5, 1.0, 0, 0),
        ([MAYBE_LBBB, AF], [LBBB, AF], 1.0, 0.5, 0, 0),
        (["anterior infarct, old"], [INFARCT], 0.0, 0.0, 1, 0),
        ([], [AF], 0.0, 0.0, 0, 0),
    ],
    ids=["states what is denied", "denies what is stated", "both deny", "sure", "unsure", "elsewhere", "nothing"],
)
def test_a_denial_and_another_region_are_errors(
    written: list[str], reference: list[str], precision: float, recall: float, hallucinated: int, contradicted: int
) -> None:
    found = once([written], [reference])
    assert (found["finding_precision"], found["finding_recall"]) == (precision, recall)
    assert (found["hallucinated_per_report"], found["contradicted_per_report"]) == (hallucinated, contradicted)


def test_references_agree_with_themselves_and_as_by_chance_with_others() -> None:
    """By chance a finding of share p is right in p of its mentions, so F1 is sum p^2 over sum p."""
    rng, shares = np.random.default_rng(0), np.array([0.6, 0.3, 0.1])
    reports = [
        [text for text, there in zip((AF, LBBB, INFARCT), line, strict=True) if there]
        for line in rng.random((1500, 3)) < shares
    ]
    itself = once(reports, reports)
    assert all(itself[key] == 1 for key in itself if key.startswith("finding_"))
    assert itself["hallucinated_per_report"] == itself["contradicted_per_report"] == 0
    others = once(reports[1:] + reports[:1], reports)
    assert others["finding_f1"] == pytest.approx((shares**2).sum() / shares.sum(), abs=0.03)
    assert others["finding_f1_macro"] == pytest.approx(shares.mean(), abs=0.03)
    assert others["finding_f1/left bundle branch block"] == pytest.approx(0.3, abs=0.06)


def test_findings_of_few_patients_have_no_numbers_of_their_own() -> None:
    reports = [[AF]] * 10 + [[LBBB]] * 9
    found = once(reports, reports)
    assert "finding_f1/atrial fibrillation" in found
    assert "finding_f1/left bundle branch block" not in found
    assert np.isnan(once(reports[10:], reports[10:])["finding_f1_macro"])


def test_integer_weights_are_repeated_records() -> None:
    written, references = [[AF], [LBBB], [INFARCT, AF]] * 10, [[AF, LBBB], [NO_LBBB], [INFARCT]] * 10
    patients, counts = np.arange(30), np.random.default_rng(1).poisson(1.0, 30)
    weighted = findings_scorer(written, references, patients, ())(counts[:, None].astype(float))
    rows = np.repeat(patients, counts)
    repeated = findings_scorer([written[k] for k in rows], [references[k] for k in rows], np.arange(len(rows)), ())
    expected = repeated(np.ones((len(rows), 1)))
    for key in ("finding_f1", "finding_precision", "hallucinated_per_report", "contradicted_per_report"):
        assert weighted[key] == pytest.approx(expected[key]), key
