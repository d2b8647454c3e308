"""Reports of training records of which one statement is contradicted: denied, or replaced by one of another class.

What a report can be contradicted with is taken from the statements of the training reports themselves.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.text.coded import coded
from ecgmm.text.policy import apply_policy
from ecgmm.text.statements import findings_of
from ecgmm.types import PADDING_ID, Batch

DENIALS = ("no {}", "without {}", "{} absent", "negative for {}")
"""Ways to deny a statement."""
_DENIED = 0.25
"""Chance to deny it: that is soon learnt where reports deny little of themselves."""


class Contradictions:
    """Contradicting of one statement in reports of training records.

    One of four statements is denied (``DENIALS``), the others are replaced: one that says normal by a pathological one,
    a pathological one with even chances by a normal one or by one of a class that the report does not state.

    Args:
        datamodule: Records and vocabularies.
        policy: What of reports is seen (``apply_policy``).
        max_tokens: Longest report in tokens.
    """

    def __init__(self, datamodule: EcgReportDataModule, policy: str, max_tokens: int) -> None:
        self.datamodule = datamodule
        self.policy = policy
        self.max_tokens = max_tokens
        used = np.unique(datamodule.report_of_row[datamodule.rows["train"]])
        self.by_class = by_class(coded(datamodule.store.reports["statements"][used[used >= 0]]).distinct)

    def __call__(self, batch: Batch, chosen: Tensor, generator: Generator) -> Batch:
        """Contradict the reports of chosen records, bool ``[B]``; those without a statement of a class stay.

        Returns:
            The batch with other ``token_ids``, ``token_mask``, ``statement_ids``, and ``report_is_own`` False for the
            contradicted ones.
        """
        data, label_set = self.datamodule, self.datamodule.labels.label_set
        places = (chosen & batch.has_report).nonzero().squeeze(1).tolist()
        seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
        draws = np.random.default_rng(seed)
        texts = data.store.reports["statements"]
        own = [texts[report].to_list() for report in data.report_of_row[batch.rows[places].tolist()].tolist()]
        seen = apply_policy(own, self.policy, label_set.masks, label_set.phrases)
        made = [contradicted(report, self.by_class, draws) for report in seen]
        changed = [(place, report) for place, report in zip(places, made, strict=True) if report is not None]
        if not changed:
            return batch
        at = torch.tensor([place for place, _ in changed], device=batch.rows.device)
        reports = [report for _, report in changed]
        tokens = data.tokeniser.encode_reports(reports, self.max_tokens)
        token_ids = _with_rows(batch.token_ids, at, tokens.ids)
        lengths = batch.token_mask.sum(dim=1).index_copy(0, at, _on(tokens.lengths, at))
        return batch._replace(
            token_ids=token_ids,
            token_mask=torch.arange(token_ids.shape[1], device=at.device) < lengths.unsqueeze(1),
            statement_ids=_with_rows(batch.statement_ids, at, data.statement_vocabulary.encode(reports)),
            report_is_own=batch.report_is_own.index_fill(0, at, False),
        )


def by_class(statements: Sequence[str]) -> dict[str, list[str]]:
    """Statements that assert findings of one superclass alone, by superclass."""
    found: dict[str, list[str]] = {}
    for statement in statements:
        asserted = _asserted(statement)
        if len(asserted) == 1:
            found.setdefault(asserted.pop(), []).append(statement)
    return found


def contradicted(
    report: Sequence[str], by_class: Mapping[str, Sequence[str]], draws: np.random.Generator
) -> list[str] | None:
    """The report with one statement contradicted; None where no statement asserts a superclass, or nothing fits."""
    stating = [index for index, statement in enumerate(report) if _asserted(statement)]
    if not stating:
        return None
    at = stating[int(draws.integers(len(stating)))]
    if draws.random() < _DENIED:
        said = DENIALS[int(draws.integers(len(DENIALS)))].format(report[at])
    else:
        stated = set().union(*map(_asserted, report))
        others = sorted(by_class.keys() - stated - {"NORM"})
        normal = _asserted(report[at]) != {"NORM"} and "NORM" in by_class and (not others or draws.random() < 0.5)
        if not normal and not others:
            return None
        pool = by_class["NORM" if normal else others[int(draws.integers(len(others)))]]
        said = pool[int(draws.integers(len(pool)))]
    return [*report[:at], said, *report[at + 1 :]]


def _asserted(statement: str) -> set[str]:
    """Superclasses that a statement states and does not deny."""
    return {finding.superclass for finding in findings_of(statement) if finding.superclass and not finding.negated}


def _on(values: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.int64)).to(like.device)


def _with_rows(table: Tensor, at: Tensor, values: np.ndarray) -> Tensor:
    """Padded rows ``[B, N]`` with others in some places; as wide as the wider of both."""
    width = max(table.shape[1], values.shape[1])
    wide, new = (pad(one, (0, width - one.shape[1]), value=PADDING_ID) for one in (table, _on(values, at)))
    return wide.index_copy(0, at, new)
