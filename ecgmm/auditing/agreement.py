"""Agreement of the rule table with people: superclasses read from reports against the annotation of the source."""

import re

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from sklearn.metrics import cohen_kappa_score

from ecgmm.data.sources.labels.label_set import weight_columns
from ecgmm.data.sources.labels.scp_codes import DIAGNOSTIC_CLASS, SCP_CODES
from ecgmm.data.sources.labels.superclass import CLASSES, weights_of_codes
from ecgmm.data.sources.source import EVIDENCE_PREFIX, SourceIndex
from ecgmm.errors import ConfigError
from ecgmm.text.clean import clean_report
from ecgmm.text.statements import superclasses

_ENGLISH = re.compile(r"\b(?:the|is|are|of|this|with|normal ecg|sinus rhythm|axis deviation|waves?)\b", re.IGNORECASE)
_GERMAN = re.compile(r"\b(?:und|ist|nicht|ekg|sinusrhythmus|\w*typ|unbest\w*|normales)\b", re.IGNORECASE)


def english_only(reports: pl.Series) -> pl.Series:
    """Tell which reports (lists of statements) are in English, by words that only one of the languages has."""
    texts = [" ".join(report) for report in reports.to_list()]
    return pl.Series([bool(_ENGLISH.search(text)) and not _GERMAN.search(text) for text in texts], dtype=pl.Boolean)


def agreement(index: SourceIndex, include_possible: bool) -> pl.DataFrame:
    """Compare each superclass of the report with the annotation, over the records that have an English report.

    Args:
        index: A source whose superclass comes from an annotation. Recordings need not be there.
        include_possible: Whether "possible" and "cannot rule out" count, see ``superclasses``.

    Returns:
        One row per class: class, records, annotated, in_report, both, kappa (Cohen's; null where a rater never varies).

    Raises:
        ConfigError: If the source has no annotated superclasses or no English report.
    """
    column = f"{EVIDENCE_PREFIX}{SCP_CODES}"
    if column not in index.frame.columns:
        raise ConfigError("agreement needs a source with annotated superclasses; use data=ptb_xl")
    weights = weights_of_codes(index.frame[column], index.evidence[DIAGNOSTIC_CLASS])
    labelled = index.frame.hstack(weight_columns(CLASSES, weights))
    frame = labelled.filter(english_only(labelled["statements"]), pl.col("NORM").is_not_null())
    if not frame.height:
        raise ConfigError("there is no English report with an annotation; give the full ptbxl_database.csv")
    from_report = [
        superclasses(clean_report(report), include_possible) or {} for report in frame["statements"].to_list()
    ]
    rows = []
    for name in CLASSES:
        annotated = frame[name].to_numpy() > 0
        reported = np.array([weights.get(name, 0) > 0 for weights in from_report])
        varies = 0 < annotated.sum() < len(annotated) and 0 < reported.sum() < len(reported)
        kappa = float(cohen_kappa_score(annotated, reported)) if varies else None
        counts = (len(annotated), int(annotated.sum()), int(reported.sum()), int((annotated & reported).sum()))
        rows.append((name, *counts, kappa))
    return pl.DataFrame(rows, ("class", "records", "annotated", "in_report", "both", "kappa"), orient="row")


def print_agreement(index: SourceIndex, console: Console) -> None:
    """Print the comparison with and without possible findings."""
    for include_possible in (False, True):
        words = "possible findings counted" if include_possible else "definite and probable findings"
        frame = agreement(index, include_possible)
        table = Table(title=f"Report against annotation, {frame['records'][0]:,} English reports, {words}")
        for column in frame.columns[:1] + frame.columns[2:]:
            table.add_column(column, justify="left" if column == "class" else "right")
        for name, _, annotated, reported, both, kappa in frame.iter_rows():
            table.add_row(
                name, f"{annotated:,}", f"{reported:,}", f"{both:,}", "-" if kappa is None else f"{kappa:.2f}"
            )
        console.print(table)
