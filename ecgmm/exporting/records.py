"""Records on which an exported program is compared with Python: those of the run's store, or simulated ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecgmm.data.preparation.single_record import read_single_record
from ecgmm.data.preparation.waveform_blocks import LARGEST_STEP
from ecgmm.data.sources.array_reader import ArrayReader
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.store.store import Store
from ecgmm.data.synthetic.anatomy import STORED_LEADS
from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.noise import N_TIMES, RATE_HZ, STEPS_PER_MV
from ecgmm.data.synthetic.state import sample_states
from ecgmm.data.synthetic.waveform import sample_recordings, simulate
from ecgmm.exporting.program import MILLIVOLTS, STATEMENT_IDS, TOKEN_IDS, TOKEN_MASK
from ecgmm.runs.loading import SavedModel
from ecgmm.signal.missing import repair_missing
from ecgmm.signal.normalise import is_flat
from ecgmm.text.closed import known_statements
from ecgmm.text.policy import apply_policy
from ecgmm.types import INTERVALS, MISSING_SAMPLE, Batch

N_RECORDS = 32
"""Records of a comparison."""
_STATEMENTS_A_REPORT = 3
_SIMULATED = Path("simulated")


def stored_records(model: SavedModel, store: Store, n: int = N_RECORDS) -> Batch:
    """The first test records of the store that a model was trained on, as training shows them to it."""
    split = store.records["split"].to_numpy()
    rows = np.flatnonzero(split == "test")[:n]
    numbers = store.records["report"].to_numpy()[rows]
    reports = [[] if number < 0 else list(store.reports["statements"][int(number)]) for number in numbers]
    masks = definition_of(model.facts.labels).masks
    shown = apply_policy(reports, model.facts.text_policy, masks, model.facts.masked_phrases)
    return batch_of(model, np.stack([store.waveforms[row] for row in rows]), shown)


def simulated_records(model: SavedModel, n: int = N_RECORDS) -> Batch:
    """Records of ``ecgmm.data.synthetic``, under reports put together of the statements of the packaged tables.

    They hold nothing of any patient. The first has a gap and a lead without signal.
    """
    store, generator = model.facts.store, np.random.default_rng(0)
    config, patients = SyntheticConfig(n_patients=n), np.arange(n)
    states = sample_states(generator, patients, config)
    millivolts = simulate(sample_recordings(generator, patients, states, config), 0, patients) / STEPS_PER_MV
    middle = N_TIMES // 2  # which is there in windows of any length
    millivolts[0, middle : middle + RATE_HZ // 4, 1], millivolts[0, :, 7] = np.nan, 0.0
    read = [
        read_single_record(
            _SIMULATED,
            store.rate_hz,
            store.n_times,
            store.uv_per_step,
            store.parameters.pad,
            reader=ArrayReader.of(one.T, RATE_HZ, STORED_LEADS),
        ).steps
        for one in millivolts
    ]
    statements = np.array(known_statements(), dtype=object)
    reports = [generator.choice(statements, _STATEMENTS_A_REPORT, replace=False).tolist() for _ in range(n)]
    return batch_of(model, np.concatenate(read), reports)


def batch_of(model: SavedModel, steps: NDArray[np.int16], reports: Sequence[Sequence[str]]) -> Batch:
    """Batch of records of the model's rate, window and scale, and of the statements that it is shown.

    Args:
        model: The saved model.
        steps: int16 ``[B, 12, T]`` with ``MISSING_SAMPLE``.
        reports: Cleaned statements of each record; none where there is no report.
    """
    tokens = model.tokeniser.encode_reports(reports, model.facts.max_tokens)
    token_mask = torch.arange(tokens.ids.shape[1]) < torch.from_numpy(tokens.lengths)[:, None]
    statement_ids = torch.from_numpy(model.statements.encode(reports)).long()
    return _batch(torch.from_numpy(steps), torch.from_numpy(tokens.ids).long(), token_mask, statement_ids)


def batch_from(arrays: Mapping[str, Tensor], mv_per_step: float) -> Batch:
    """Batch of the arrays that ``inputs_from`` made of one, all four of them."""
    missing = arrays[MILLIVOLTS].isnan()
    steps = (arrays[MILLIVOLTS] / mv_per_step).round().clamp(-LARGEST_STEP, LARGEST_STEP)
    waveforms = torch.where(missing, MISSING_SAMPLE, steps).to(torch.int16)
    return _batch(waveforms, arrays[TOKEN_IDS], arrays[TOKEN_MASK], arrays[STATEMENT_IDS])


def _batch(waveforms: Tensor, token_ids: Tensor, token_mask: Tensor, statement_ids: Tensor) -> Batch:
    n = len(waveforms)
    return Batch(
        waveforms=waveforms,
        has_waveform=~is_flat(repair_missing(waveforms)).all(dim=1),
        token_ids=token_ids,
        token_mask=token_mask,
        statement_ids=statement_ids,
        has_report=token_mask.any(dim=1),
        labels=torch.zeros(n, dtype=torch.int64),
        rows=torch.arange(n),
        intervals=torch.full((n, len(INTERVALS)), torch.nan),
        report_is_own=torch.ones(n, dtype=torch.bool),
    )


def inputs_from(batch: Batch, names: Sequence[str], mv_per_step: float) -> tuple[Tensor, ...]:
    """The arrays that a program takes of a batch, in the order of ``names``."""
    arrays = {TOKEN_IDS: batch.token_ids, TOKEN_MASK: batch.token_mask, STATEMENT_IDS: batch.statement_ids}
    if MILLIVOLTS in names:
        missing = batch.waveforms == MISSING_SAMPLE
        arrays[MILLIVOLTS] = torch.where(missing, torch.nan, batch.waveforms.float() * mv_per_step)
    return tuple(arrays[name] for name in names)


def some_of(batch: Batch, places: Sequence[int]) -> Batch:
    """Some records of a batch, their reports no wider than the longest of them."""
    chosen = Batch(*(part[list(places)] for part in batch))
    n_tokens = max(1, int(chosen.token_mask.sum(dim=1).max()))
    return chosen._replace(token_ids=chosen.token_ids[:, :n_tokens], token_mask=chosen.token_mask[:, :n_tokens])


def with_halves_missing(batch: Batch) -> Batch:
    """The batch, in which the first record has lost its waveform, the second its report, and the third both."""
    waveforms, has_waveform = batch.waveforms.clone(), batch.has_waveform.clone()
    token_mask, token_ids, statement_ids = (
        part.clone() for part in (batch.token_mask, batch.token_ids, batch.statement_ids)
    )
    waveforms[[0, 2]], has_waveform[[0, 2]] = MISSING_SAMPLE, False
    token_mask[1:3], token_ids[1:3], statement_ids[1:3] = False, 0, 0
    return batch._replace(
        waveforms=waveforms,
        has_waveform=has_waveform,
        token_ids=token_ids,
        token_mask=token_mask,
        statement_ids=statement_ids,
        has_report=token_mask.any(dim=1),
    )
