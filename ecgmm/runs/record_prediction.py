"""Prediction for a single record by a saved model, and what speaks against its numbers."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ecgmm.data.preparation.single_record import SingleRecord, read_single_record
from ecgmm.data.preparation.waveform_blocks import LARGEST_STEP
from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.data.store.leads import DERIVED, LEAD_ORIGIN
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.leads import LEADS
from ecgmm.models.method import Method
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import ModelFacts, Signal
from ecgmm.signal.quality import HALVING_CLIPPED_SHARE, HALVING_DRIFT_MV, HALVING_NOISE_MV
from ecgmm.text.clean import read_report, split_report
from ecgmm.text.policy import apply_policy
from ecgmm.types import INTERVALS, MISSING_SAMPLE, UNKNOWN_ID, Batch

_GOOD_QUALITY = 0.5
_DISAGREE = "report and waveform disagree more than 95 % of the pairs of validation do; is it the record's own report?"
_SWAPS = {"ra_la": "right and left arm", "ra_ll": "right arm and left leg"}


class RecordPrediction(NamedTuple):
    """Prediction for one record.

    Attributes:
        numbers: Probability of each class; ``gate`` (weight of the waveform) and ``inconsistency`` (of report and
            waveform) where the method has them.
        words: What the method says of the record, line by line.
        notes: What the user should know of the input: faults of the signal, parts that the model did not see.
    """

    numbers: dict[str, float]
    words: list[str]
    notes: list[str]


def predict_record(
    model: SavedModel, record: Path | None, report: str | None, reader: WaveformReader = ANY_LEADS
) -> RecordPrediction:
    """Classify a record.

    Args:
        model: A saved model.
        record: A record, or None for the report alone.
        report: The report's text, or None for the waveform alone.
        reader: Reader of records of its kind.

    Raises:
        ConfigError: If neither is given, or not what the method looks at, or the report holds nothing for it.
        DataError: If the record cannot be read, shows no signal, or the model's answer is no number.
    """
    given = [name for name, value in (("ecg", record), ("text", report)) if value is not None]
    if not set(given) & set(model.method.inputs_at_test) and model.method.inputs_at_test:
        looks_at = " and ".join(model.method.inputs_at_test)
        raise ConfigError(f"{model.method.name} looks at {looks_at}; give {_needed(model.method)}")
    return predict_single(model, None if record is None else _read(record, model.facts.store, reader), report)


def predict_single(model: SavedModel, waveform: SingleRecord | None, report: str | None) -> RecordPrediction:
    """Classify one record that was read.

    Args:
        model: A saved model.
        waveform: The record's central window, at the model's rate and scale; None for the report alone.
        report: The report's text, or None for the waveform alone.

    Raises:
        ConfigError: If the report holds nothing that the method looks at.
        DataError: If the model's answer is no number.
    """
    method, facts = model.method, model.facts
    notes: list[str] = []
    shown = _shown(report, facts, notes)
    if not shown and method.inputs_at_test and (waveform is None or "ecg" not in method.inputs_at_test):
        raise ConfigError(
            f"nothing is left of the report that {method.name} looks at ({'; '.join(notes)}); give another"
        )
    if shown and "text" in method.inputs_at_test:
        notes += _notes_on_words(shown, model)
    if waveform is not None:
        notes += _notes_on_waveform(waveform, facts)
    tokens = model.tokeniser.encode_reports([shown], facts.max_tokens)
    steps = np.full((1, len(LEADS), facts.store.n_times), MISSING_SAMPLE, dtype=np.int16)
    with torch.inference_mode():
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
        output = method(batch)
        single = facts.task == "single_label"
        probabilities = output.logits.softmax(1) if single else output.logits.sigmoid()
        words = method.explain(batch)
    numbers = dict(zip(facts.class_names, probabilities[0].tolist(), strict=True))
    if output.gate is not None:
        numbers["gate"] = float(output.gate[0])
    if output.inconsistency is not None and batch.is_pair.all():
        numbers["inconsistency"] = float(output.inconsistency[0])
        if facts.doubtful_above is not None and numbers["inconsistency"] > facts.doubtful_above:
            notes.append(_DISAGREE)
    if not all(map(math.isfinite, numbers.values())):
        raise DataError(f"the model predicts values that are not finite; {CURE}")
    return RecordPrediction(numbers, words, notes)


def _needed(method: Method) -> str:
    return " or ".join({"ecg": "record=...", "text": 'report="..."'}[name] for name in method.inputs_at_test)


def _read(record: Path, signal: Signal, reader: WaveformReader) -> SingleRecord:
    made_with = signal.parameters
    read = read_single_record(
        record, signal.rate_hz, signal.n_times, signal.uv_per_step, made_with.pad, made_with.verify_checksums, reader
    )
    if read.flat.all():
        raise DataError(
            f"{printable(record)} shows no signal in any lead; leave record=... out to predict from a report"
        )
    return read


def _shown(report: str | None, facts: ModelFacts, notes: list[str]) -> list[str]:
    """The statements of a report that the method is shown, as preparation and the text policy leave them."""
    if report is None:
        return []
    if facts.text_at_test == "none":
        notes.append("the report is not read: the model was trained with text.at_test=none")
        return []
    statements, shortened = read_report(split_report(report))
    if shortened:
        notes.append("the report is longer than preparation takes, and was shortened")
    n_words = sum(len(statement.split()) for statement in statements)
    fewest = facts.store.parameters.min_words
    if n_words < max(fewest, 1):
        notes.append(f"the report has {n_words} words, fewer than {max(fewest, 1)}, and counts as missing")
        return []
    masks = definition_of(facts.labels).masks
    [shown] = apply_policy([statements], facts.text_policy, masks, facts.masked_phrases)
    if len(shown) < len(statements):
        hidden = len(statements) - len(shown)
        notes.append(f"{hidden} of {len(statements)} statements are hidden by text.policy={facts.text_policy}")
    return shown


def _notes_on_words(shown: list[str], model: SavedModel) -> list[str]:
    notes, tokeniser, max_tokens = [], model.tokeniser, model.facts.max_tokens
    n_unknown, n_words = tokeniser.count_unknown(shown)
    if n_unknown:
        notes.append(f"{n_unknown} of {n_words} words of the report are not known to the model")
    if (model.statements.encode([shown]) == UNKNOWN_ID).all():
        notes.append("no statement of the report is one that the model was trained with")
    if sum(len(tokeniser.encode_text(statement)) + 1 for statement in shown) - 1 > max_tokens:
        notes.append(f"the report is longer than the {max_tokens} tokens that the model reads, and was cut")
    return notes


def _notes_on_waveform(read: SingleRecord, facts: ModelFacts) -> list[str]:
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
            quality["quality"] < _GOOD_QUALITY,
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
            quality["limb_swap"] in _SWAPS,
            f"the electrodes of {_SWAPS.get(quality['limb_swap'])} seem to be exchanged",
        ),
        (read.rate_hz < store.rate_hz, f"the record has {read.rate_hz:g} Hz and the model {store.rate_hz} Hz"),
        (read.length_s < window_s, f"the record has {read.length_s:g} s and the model takes {window_s:g} s"),
    ]
    return [words for holds, words in said if holds]
