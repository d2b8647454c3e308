"""What the answer would be with less: one half alone, a statement left out, a lead without any wave."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from ecgmm.explaining.attribution import baselines, reads_waveform
from ecgmm.explaining.target import log_odds, probabilities, repeated
from ecgmm.leads import LEADS
from ecgmm.runs.loading import SavedModel
from ecgmm.types import Batch

AS_GIVEN = "as given"
WAVEFORM_ALONE, REPORT_ALONE = "waveform alone", "report alone"


class Answer(NamedTuple):
    """Answer of a model to a variant of a record.

    Attributes:
        kind: ``as given``, ``waveform alone``, ``report alone``, ``without statement`` or ``without lead``.
        which: Number of the statement from 0, name of the lead; empty for the others.
        probabilities: Of each class.
        log_odds: Of each class, in nats.
        gate: Weight of the waveform, where the method has a gate.
    """

    kind: str
    which: str
    probabilities: tuple[float, ...]
    log_odds: tuple[float, ...]
    gate: float | None


def counterfactuals(model: SavedModel, batch: Batch, statements: Sequence[str]) -> list[Answer]:
    """Ask the model for its answer to the record and to all its variants that the method can tell apart.

    Args:
        model: A saved model.
        batch: One record, prepared.
        statements: Statements of its report, as ``batch`` has them.

    Returns:
        The answer as given, then each half alone where both are there and looked at, then without each statement, then
        without each lead (a straight line at its median).
    """
    looks_at, has = model.method.inputs_at_test, bool(batch.has_report.all())
    with_ecg, with_text = reads_waveform(model, batch), "text" in looks_at and has
    answers = _answers(model, batch, AS_GIVEN, [""])
    if with_ecg and with_text:
        no = torch.zeros(1, dtype=torch.bool)
        alone = with_reports(model, batch, [[]])
        answers += _answers(model, alone, WAVEFORM_ALONE, [""])
        answers += _answers(model, batch._replace(has_waveform=no), REPORT_ALONE, [""])
    if with_text:
        shorter = [[*statements[:k], *statements[k + 1 :]] for k in range(len(statements))]
        answers += _answers(
            model, with_reports(model, batch, shorter), "without statement", list(map(str, range(len(statements))))
        )
    if with_ecg:
        n = len(LEADS)
        is_lead = torch.eye(n, dtype=torch.bool).unsqueeze(2)
        varied = torch.where(is_lead, baselines(model, batch)[0], batch.waveforms)
        answers += _answers(model, repeated(batch, n)._replace(waveforms=varied), "without lead", list(LEADS))
    return answers


def with_reports(model: SavedModel, batch: Batch, reports: Sequence[Sequence[str]]) -> Batch:
    """One record with each of several reports, as prediction would read them; an empty one counts as missing."""
    tokens = model.tokeniser.encode_reports([list(report) for report in reports], model.facts.max_tokens)
    lengths = torch.from_numpy(tokens.lengths)
    return repeated(batch, len(reports))._replace(
        token_ids=torch.from_numpy(tokens.ids).long(),
        token_mask=torch.arange(tokens.ids.shape[1]) < lengths[:, None],
        statement_ids=torch.from_numpy(model.statements.encode([list(report) for report in reports])).long(),
        has_report=lengths > 0,
    )


def _answers(model: SavedModel, batch: Batch, kind: str, names: Sequence[str]) -> list[Answer]:
    with torch.inference_mode():
        output = model.method(batch)
        shares, odds = (function(output.logits, model.facts.task) for function in (probabilities, log_odds))
    gates = [None] * len(names) if output.gate is None else output.gate.tolist()
    rows = zip(names, shares.tolist(), odds.tolist(), gates, strict=True)
    return [Answer(kind, name, tuple(share), tuple(odd), gate) for name, share, odd, gate in rows]
