"""Reports of records by a finished run: written from the waveform, or taken from the most similar training record."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ecgmm.evaluation.written_findings import stated_names
from ecgmm.models.methods.ecg_doctor import EcgDoctor
from ecgmm.models.methods.meit import Meit
from ecgmm.models.report_writing import told_findings, write_tokens
from ecgmm.runs.loading import SavedModel
from ecgmm.writing.records import Report, Subject

WRITERS = (Meit.name, EcgDoctor.name)
"""Methods that say something in words of a waveform."""


def written_reports(subject: Subject) -> list[Report]:
    """Statements that the run's method writes of each record's waveform."""
    model = subject.served.model
    method, reports = model.method, list[Report]()
    if isinstance(method, Meit):
        spelling = {" ".join(model.tokeniser.statements_in(ids)): text for text, ids in _spelt(model)}
        for batch in subject.batches():
            for ids in write_tokens(method, batch, model.facts.max_tokens):
                # Words of a known statement are that statement, with its punctuation in its places.
                reports.append([spelling.get(text, text) for text in model.tokeniser.statements_in(ids)])
    else:
        assert isinstance(method, EcgDoctor)
        wording = _wording(model.statements.statements)
        for batch in subject.batches():
            reports += [[wording.get(name, name) for name in names] for names in told_findings(method, batch)]
    return reports


def _spelt(model: SavedModel) -> list[tuple[str, list[int]]]:
    return [(text, model.tokeniser.encode_text(text)) for text in model.statements.statements]


def _wording(statements: Sequence[str]) -> dict[str, str]:
    """The most frequent training statement that states a finding and no other, by name of the finding."""
    wording: dict[str, str] = {}
    for statement in statements:  # the most frequent first
        names = stated_names(statement)
        if len(names) == 1:
            wording.setdefault(next(iter(names)), statement)
    return wording


@torch.inference_mode()
def embeddings(subject: Subject) -> Tensor:
    """Directions ``[n, D]`` of the waveforms' embeddings, of length 1."""
    encoder: Any = subject.served.model.method.ecg_encoder
    return torch.cat([normalize(encoder(batch.waveforms).float(), dim=1) for batch in subject.batches()])


def nearest_reports(subject: Subject, training: Subject) -> list[Report]:
    """Report of the training record whose waveform's embedding has the highest cosine with that of each record."""
    ours, theirs = embeddings(subject), embeddings(training)
    nearest = [index for part in ours.split(1024) for index in (part @ theirs.T).argmax(dim=1).tolist()]
    return [training.records.reports[index] for index in nearest]
