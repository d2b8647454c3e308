from collections.abc import Sequence

import polars as pl
import pytest

from ecgmm.auditing.agreement import agreement, english_only
from ecgmm.data.sources.labels.superclass import CLASSES
from ecgmm.data.sources.source import SourceIndex
from ecgmm.errors import ConfigError
from tests.data.trees import nothing_dropped

# report, annotated superclasses
RECORDS: list[tuple[list[str], set[str]]] = [
    (["Sinus rhythm.", "Left bundle branch block."], {"CD"}),
    (["Sinus rhythm.", "Normal ECG."], {"NORM"}),
    (["Sinus rhythm.", "Left bundle branch block."], {"NORM"}),
    (["Sinus rhythm.", "Normal ECG."], {"CD"}),
    (["sinusrhythmus linkstyp normales ekg"], {"NORM"}),
    ([], {"NORM"}),
]


def make_index(records: Sequence[tuple[list[str], set[str]]], source: str = "annotation") -> SourceIndex:
    codes = {"evidence.scp_codes": [str(dict.fromkeys(classes, 100.0)) for _, classes in records]}
    statements = pl.Series("statements", [report for report, _ in records], dtype=pl.List(pl.String))
    frame = pl.DataFrame({"statements": statements, **(codes if source == "annotation" else {})})
    diagnostic_class = {name: name for name in CLASSES}
    return SourceIndex(frame, nothing_dropped(), 100, {}, evidence={"diagnostic_class": diagnostic_class})


def test_kappa_is_counted_over_english_reports_only() -> None:
    frame = agreement(make_index(RECORDS), include_possible=False)
    conduction = frame.row(by_predicate=pl.col("class") == "CD", named=True)
    assert (conduction["records"], conduction["annotated"], conduction["in_report"], conduction["both"]) == (4, 2, 2, 1)
    assert conduction["kappa"] == pytest.approx(0)  # one of two right by chance alone
    assert frame.filter(pl.col("class") == "MI")["kappa"].to_list() == [None]


def test_full_agreement_is_one() -> None:
    frame = agreement(make_index(RECORDS[:2]), include_possible=False)
    assert frame.filter(pl.col("class").is_in(["CD", "NORM"]))["kappa"].to_list() == [1, 1]


def test_languages_are_told_apart() -> None:
    assert english_only(pl.Series([report for report, _ in RECORDS])).to_list() == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    "index", [make_index(RECORDS, "report"), make_index(RECORDS[4:])], ids=["no annotation", "german"]
)
def test_a_source_that_cannot_be_compared_is_refused(index: SourceIndex) -> None:
    with pytest.raises(ConfigError, match=r"annotated superclasses|no English report"):
        agreement(index, include_possible=False)
