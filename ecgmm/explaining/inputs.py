"""thin call, to be swapped"""
from pathlib import Path
from typing import NamedTuple
import numpy as np
import torch
from ecgmm.runs import record_prediction as rp
from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.types import Batch, MISSING_SAMPLE, INTERVALS
from ecgmm.leads import LEADS

class ModelInput(NamedTuple):
    batch: Batch
    statements: list[str]
    notes: list[str]

def read_input(model, record, report, reader=ANY_LEADS):
    facts = model.facts
    waveform = None if record is None else rp._read(Path(record), facts.store, reader)
    notes = []
    shown = rp._shown(report, facts, notes)
    if shown: notes += rp._notes_on_words(shown, model)
    if waveform is not None: notes += rp._notes_on_waveform(waveform, facts)
    tokens = model.tokeniser.encode_reports([shown], facts.max_tokens)
    steps = np.full((1, len(LEADS), facts.store.n_times), MISSING_SAMPLE, dtype=np.int16)
    with torch.no_grad():
        batch = Batch(
            waveforms=model.preparation(torch.from_numpy(steps if waveform is None else waveform.steps)),
            has_waveform=torch.tensor([waveform is not None]),
            token_ids=torch.from_numpy(tokens.ids).long(),
            token_mask=torch.arange(tokens.ids.shape[1]) < torch.from_numpy(tokens.lengths)[:, None],
            statement_ids=torch.from_numpy(model.statements.encode([shown])).long(),
            has_report=torch.from_numpy(tokens.lengths > 0),
            labels=torch.zeros(1, dtype=torch.int64),
            rows=torch.zeros(1, dtype=torch.int64),
            intervals=torch.full((1, len(INTERVALS)), torch.nan),
            report_is_own=torch.ones(1, dtype=torch.bool),
        )
    return ModelInput(batch, shown, notes)
