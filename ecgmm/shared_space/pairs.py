"""Pairs of waveform and report in the shared space of a run, and which report is right for which waveform."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from ecgmm.errors import UserError, printable
from ecgmm.evaluation.metrics import positives
from ecgmm.evaluation.retrieval import Bools, Ranked, Relevance, rank
from ecgmm.models.contrastive import unit
from ecgmm.shared_space.opening import Opened, as_numbers
from ecgmm.text.findings import finding_name, stated
from ecgmm.text.policy import apply_policy

OWN_REPORT, SAME_CLASS, SAME_FINDINGS = RIGHT = ("own report", "same class", "same findings")
"""What makes a report right for a waveform, and a waveform for a report."""
Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Records that have both a waveform and a report.

    In a gallery each distinct report stands once, and with it one waveform: that of its first record. So a further
    record with a report that is there already brings a query of its own and changes the rank of no other.

    Attributes:
        ecg: ``[n, D]`` of length 1.
        text: ``[m, D]`` of length 1, each distinct report once.
        report: int64 ``[n]``, the report of each record, in ``text``.
        patient: int64 ``[n]``.
        classes: bool ``[n, K]``.
        findings: int64 ``[m]``, number of the set of findings that each report states; -1 for none.
    """

    ecg: Floats32
    text: Floats32
    report: NDArray[np.int64]
    patient: NDArray[np.int64]
    classes: Bools
    findings: NDArray[np.int64]

    def relevant(self, name: str, some: NDArray[np.int64], others: NDArray[np.int64]) -> Bools:
        """Which of ``others`` are right for each of ``some``, both records: a table of one of ``RIGHT``."""
        if name == SAME_CLASS:
            shared: Bools = self.classes[some].astype(np.float32) @ self.classes[others].T.astype(np.float32) > 0
            return shared
        meant = self.report if name == OWN_REPORT else self.findings[self.report]
        equal: Bools = (meant[some][:, None] == meant[others]) & (meant[some][:, None] >= 0)
        return equal

    def asks(self, name: str) -> Bools:
        """Bool ``[n]``, records for which something can be right: with a class, or a report that states a finding."""
        if name == OWN_REPORT:
            return np.ones(len(self.report), bool)
        with_class = np.asarray(self.classes.any(axis=1), bool)
        with_finding: Bools = self.findings[self.report] >= 0
        return with_class if name == SAME_CLASS else with_finding

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """int64 ``[m]``, the first record of each report."""
        return np.unique(self.report, return_index=True)[1].astype(np.int64)

    def to_reports(self, name: str) -> Ranked:
        """Rank all reports for every record."""
        return rank(self.ecg, self.text, self._relevance(name))

    def to_waveforms(self, name: str) -> Ranked:
        """Rank the waveforms of all reports for the report of every record, which itself stands for its own report."""
        own = (self.ecg * self.text[self.report]).sum(axis=1)
        return rank(self.text[self.report], self.ecg[self.first], self._relevance(name), (self.report, own))

    def _relevance(self, name: str) -> Relevance:
        records = np.arange(len(self.report))

        def relevant(block: slice) -> Bools:
            some, itself = records[block], self.report[block]
            right = self.relevant(name, some, self.first)
            # Its own report is right for a record where anything can be, whatever the report's first record is.
            right[np.arange(len(some)), itself] = self.asks(name)[block]
            return right

        return relevant


@torch.inference_mode()
def embed_pairs(opened: Opened) -> tuple[Pairs, NDArray[np.int64]]:
    """Embed the records that have both; with their rows of the store.

    Raises:
        UserError: If there are none.
    """
    served = opened.served
    data, facts = served.datamodule, served.model.facts
    rows = opened.rows
    paired = served.store.records["has_waveform"].to_numpy()[rows]
    rows = rows[paired & (data.tokens.lengths[data.report_of_row[rows]] > 0)]
    if not len(rows):
        raise UserError(
            f"{printable(opened.run.directory)}: no record of split={opened.records.choice.split} has both a waveform"
            " and a report that the model reads; give a run with text.policy=full or masked"
        )
    outputs = [opened.method.shared(opened.method(batch)) for batch in opened.batches(rows)]
    ecg, text = (as_numbers(unit(torch.cat(parts))) for parts in zip(*outputs, strict=True))
    tokens = data.tokens.ids[data.report_of_row[rows]]
    _, first, report = np.unique(tokens, axis=0, return_index=True, return_inverse=True)
    label_set = data.labels.label_set
    stored = served.store.reports["statements"].to_list()
    shown = [stored[index] for index in data.report_of_row[rows[first]]]
    seen = apply_policy(shown, facts.text_policy, label_set.masks, label_set.phrases)
    pairs = Pairs(
        ecg,
        text[first],
        report.ravel().astype(np.int64),
        opened.patients(rows),
        positives(data.targets.values[rows], len(data.targets.class_names)),
        _numbers_of_findings(seen),
    )
    return pairs, rows


def _numbers_of_findings(reports: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Number of the set of findings that each report states by the rule table; -1 where it states none."""
    numbers: dict[frozenset[str], int] = {frozenset(): -1}
    sets = [frozenset(finding_name(one) for text in report for one in stated(text)) for report in reports]
    return np.array([numbers.setdefault(one, len(numbers) - 1) for one in sets], dtype=np.int64)
