"""Pairs of waveform and report in the shared space of a run, and which report is right for which waveform."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ecgmm.errors import UserError, printable
from ecgmm.evaluation.metrics import positives
from ecgmm.evaluation.retrieval import Bools, Relevance
from ecgmm.models.contrastive import unit
from ecgmm.shared_space.opening import Opened, as_numbers
from ecgmm.text.findings import finding_name, stated
from ecgmm.text.policy import apply_policy

OWN_REPORT, SAME_CLASS, SAME_FINDINGS = RIGHT = ("own report", "same class", "same findings")
"""What makes a report right for a waveform, and a waveform for a report."""
Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Test records that have both a waveform and a report.

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

    def to_reports(self, name: str) -> Relevance:
        """Right reports for every record: those of any record that is right for it."""
        records, order = np.arange(len(self.report)), np.argsort(self.report, kind="stable")
        first = np.searchsorted(self.report[order], np.arange(len(self.text)))

        def tables(block: slice) -> tuple[Bools, Bools]:
            right = np.logical_or.reduceat(self.relevant(name, records[block], order), first, axis=1)
            return right, np.zeros_like(right)

        return tables

    def to_waveforms(self, name: str) -> Relevance:
        """Right waveforms for the report of every record.

        A report looks for its own waveform once for each of its records; its other waveforms are then neither right nor
        wrong.
        """
        records = np.arange(len(self.report))

        def tables(block: slice) -> tuple[Bools, Bools]:
            right = self.relevant(name, records[block], records)
            itself = records[block][:, None] == records if name == OWN_REPORT else right
            return itself, right & ~itself

        return tables


@torch.inference_mode()
def embed_pairs(opened: Opened, split: str) -> Pairs:
    """Embed the records of a split that have both.

    Raises:
        UserError: If there are none.
    """
    served = opened.served
    data, facts = served.datamodule, served.model.facts
    rows = data.rows[split]
    paired = served.store.records["has_waveform"].to_numpy()[rows]
    rows = rows[paired & (data.tokens.lengths[data.report_of_row[rows]] > 0)]
    if not len(rows):
        raise UserError(
            f"{printable(opened.run.directory)}: no record of split={split} has both a waveform and a report that the"
            " model reads; give a run with text.policy=full or masked"
        )
    outputs = [opened.method.shared(opened.method(batch)) for batch in opened.batches(rows)]
    ecg, text = (as_numbers(unit(torch.cat(parts))) for parts in zip(*outputs, strict=True))
    tokens = data.tokens.ids[data.report_of_row[rows]]
    _, first, report = np.unique(tokens, axis=0, return_index=True, return_inverse=True)
    label_set = data.labels.label_set
    stored = served.store.reports["statements"].to_list()
    shown = [stored[index] for index in data.report_of_row[rows[first]]]
    seen = apply_policy(shown, facts.text_policy, label_set.masks, label_set.phrases)
    return Pairs(
        ecg,
        text[first],
        report.ravel().astype(np.int64),
        opened.patients(rows),
        positives(data.targets.values[rows], len(data.targets.class_names)),
        _numbers_of_findings(seen),
    )


def _numbers_of_findings(reports: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Number of the set of findings that each report states by the rule table; -1 where it states none."""
    numbers: dict[frozenset[str], int] = {frozenset(): -1}
    sets = [frozenset(finding_name(one) for text in report for one in stated(text)) for report in reports]
    return np.array([numbers.setdefault(one, len(numbers) - 1) for one in sets], dtype=np.int64)
