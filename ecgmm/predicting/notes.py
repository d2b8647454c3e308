"""Sentences on a report and a waveform: what the model does not know of the one, and faults of the other."""

import numpy as np
from torch import Tensor

from ecgmm.data.preparation.single_record import SingleRecord
from ecgmm.data.preparation.waveform_blocks import LARGEST_STEP
from ecgmm.data.store.leads import DERIVED, LEAD_ORIGIN
from ecgmm.leads import LEADS
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.signal.quality import HALVING_CLIPPED_SHARE, HALVING_DRIFT_MV, HALVING_NOISE_MV
from ecgmm.types import UNKNOWN_ID

GOOD_QUALITY = 0.5
LARGEST_OF_A_HEART_MV = 6.0
"""None of 1,000 real records of PTB-XL reaches 5 mV; a spike of 40 mV that resampling has spread has 8."""
_SWAPS = {"ra_la": "right and left arm", "ra_ll": "right arm and left leg"}


def notes_on_words(
    shown: list[str], statement_ids: Tensor, n_unknown: int, n_words: int, model: SavedModel
) -> list[str]:
    """What the model does not know of the statements that it is shown, and what it does not read of them."""
    notes, tokeniser, max_tokens = [], model.tokeniser, model.facts.max_tokens
    if n_unknown:
        notes.append(f"{n_unknown} of {n_words} words of the report are not known to the model")
    if (statement_ids == UNKNOWN_ID).all():
        notes.append("no statement of the report is one that the model was trained with")
    if sum(len(tokeniser.encode_text(statement)) + 1 for statement in shown) - 1 > max_tokens:
        notes.append(f"the report is longer than the {max_tokens} tokens that the model reads, and was cut")
    return notes


def notes_on_waveform(read: SingleRecord, facts: ModelFacts) -> list[str]:
    """Faults of the signal in words, by the measures of docs/understand/quality.md."""
    quality, store, limit_mv = read.quality, facts.store, facts.waveform.limit_mv
    names = ", ".join(name for name, flat in zip(LEADS, read.flat, strict=True) if flat)
    origin = quality[LEAD_ORIGIN]
    derived = ", ".join(name for name, letter in zip(LEADS, origin, strict=True) if letter == DERIVED)
    n_ends = int((np.abs(read.steps.astype(np.int32)) == LARGEST_STEP).sum())
    window_s = store.n_times / store.rate_hz
    range_mv = LARGEST_STEP * store.uv_per_step / 1000
    said = [
        (
            quality["quality"] < GOOD_QUALITY,
            f"the signal's quality is {quality['quality']:.2f}, where 1 is without fault",
        ),
        (read.flat.any(), f"without any signal: {names}"),
        (
            read.flat.any() and facts.waveform.complete_leads != "none",
            "which are estimated from the other leads as far as waveform.complete_leads="
            f"{facts.waveform.complete_leads} can",
        ),
        (DERIVED in origin, f"computed from I and II: {derived}"),
        (quality["missing_share"] > 0, f"{quality['missing_share']:.1%} of the samples are missing"),
        (quality["noise_mv"] > HALVING_NOISE_MV, f"noise of {quality['noise_mv']:.2f} mV"),
        (quality["drift_mv"] > HALVING_DRIFT_MV, f"the baseline drifts by {quality['drift_mv']:.1f} mV"),
        (
            quality["clipped_share"] > HALVING_CLIPPED_SHARE,
            f"{quality['clipped_share']:.0%} of a lead lies at its largest or smallest value, as if clipped",
        ),
        (n_ends > 0, f"{n_ends} samples reach the end of the model's range, {range_mv:.1f} mV"),
        (
            quality["amplitude_mv"] > limit_mv,
            f"amplitudes up to {quality['amplitude_mv']:.1f} mV were limited to {limit_mv:g} mV, as in training",
        ),
        (
            LARGEST_OF_A_HEART_MV < quality["amplitude_mv"] <= limit_mv,
            f"amplitudes up to {quality['amplitude_mv']:.1f} mV, more than a heart gives: a spike or a wrong gain?",
        ),
        (
            quality["limb_swap"] in _SWAPS,
            f"the electrodes of {_SWAPS.get(quality['limb_swap'])} seem to be exchanged",
        ),
        (read.rate_hz < store.rate_hz, f"the record has {read.rate_hz:g} Hz and the model {store.rate_hz} Hz"),
        (read.length_s < window_s, f"the record has {read.length_s:g} s and the model takes {window_s:g} s"),
        (
            read.length_s > window_s * (1 + 1e-6),
            f"the record has {read.length_s:g} s, of which the model takes the middle {window_s:g} s",
        ),
    ]
    return [words for holds, words in said if holds]
