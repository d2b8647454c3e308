"""The six label sets of the published PTB-XL benchmark, from the SCP codes of a store.

Source: Strodthoff et al., "Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL", IEEE Journal of
Biomedical and Health Informatics 25 (2021) 1519-1528: every code of a record counts, whatever its likelihood, and
records without any label of the set take no part (docs/understand/ptb-xl-benchmark.md).
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from ecgmm.data.sources.labels.definition import Definition, Reader, ReadLabels
from ecgmm.data.sources.labels.label_set import LabelSettings, weight_columns
from ecgmm.data.sources.labels.rare_classes import without_rare_classes
from ecgmm.data.sources.labels.scp_codes import (
    DIAGNOSTIC_CLASS,
    KINDS,
    SCP_CODES,
    SUBCLASS,
    count_unreadable,
    weights_of_classes,
)
from ecgmm.data.store.store import EVIDENCE, Store
from ecgmm.errors import ConfigError

FACTS = "scp_statements"
"""What the manifest tells of the codes: those of each kind, and the subclass of each diagnostic code."""
Facts = Mapping[str, Any]


def benchmark_facts(scp_statements: pl.DataFrame) -> dict[str, Any]:
    """Facts for the manifest, from ``read_scp_statements``; none where its file lacks a column of them."""
    if not {*KINDS, SUBCLASS} <= set(scp_statements.columns):
        return {}
    codes = scp_statements.sort("code")
    kinds = {kind: codes.filter(pl.col(kind))["code"].to_list() for kind in KINDS}
    subclasses = codes.filter(pl.col("diagnostic")).select("code", SUBCLASS).drop_nulls()
    return {FACTS: {**kinds, SUBCLASS: dict(subclasses.iter_rows())}}


def _themselves(codes: list[str]) -> dict[str, str]:
    return {code: code for code in codes}


CLASS_OF_CODE: dict[str, Callable[[Facts], dict[str, str]]] = {
    "all": lambda facts: _themselves(list(facts[DIAGNOSTIC_CLASS])),
    "diagnostic": lambda facts: _themselves(facts[FACTS]["diagnostic"]),
    "subclass": lambda facts: dict(facts[FACTS][SUBCLASS]),
    "superclass": lambda facts: {
        code: name for code, name in facts[DIAGNOSTIC_CLASS].items() if name and code in facts[FACTS]["diagnostic"]
    },
    "form": lambda facts: _themselves(facts[FACTS]["form"]),
    "rhythm": lambda facts: _themselves(facts[FACTS]["rhythm"]),
}
"""Class of each code that counts, by name of the set, from what the manifest tells of the evidence."""


def benchmark_set(name: str) -> Definition:
    """Definition of one of the six sets.

    Args:
        name: As in ``CLASS_OF_CODE``.
    """

    def read(store: Store, settings: LabelSettings) -> ReadLabels:
        evidence, facts = store.evidence(), store.manifest["evidence"]
        if FACTS not in facts:
            raise ConfigError(
                f"the store knows no kinds of SCP codes, which labels=ptb_xl_{name} needs: it was prepared by an"
                " earlier version, or without the columns diagnostic, form, rhythm and diagnostic_subclass of"
                " scp_statements.csv; prepare it anew"
            )
        class_of_code = CLASS_OF_CODE[name](facts)
        classes = sorted(set(class_of_code.values()))
        weights = weight_columns(classes, weights_of_classes(evidence[SCP_CODES], class_of_code))
        notes = count_unreadable(store.path / EVIDENCE, evidence[SCP_CODES], facts[DIAGNOSTIC_CLASS])
        labels = weights.select(evidence["record"], *classes)
        return without_rare_classes(ReadLabels(labels, notes), store, settings.fewest_records, least=0)

    version = f"PTB-XL scp_codes, {name} statements of the published benchmark, any likelihood; 1"
    reader = Reader("annotation", version, read, needs=SCP_CODES, settings=("fewest_records",))
    return Definition(f"ptb_xl_{name}", (reader,), masks=("superclass", "rhythm", "pacing", *_FORM), exhaustive=True)


_FORM = ("conduction", "ectopy", "repolarisation", "morphology", "voltage", "chamber", "infarct", "ischaemia")
"""Categories of statements that form and diagnostic codes speak of."""
