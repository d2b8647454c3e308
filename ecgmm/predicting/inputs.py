"""One record and its report as a model takes them: read as preparation reads them, or refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from ecgmm.data.preparation.single_record import SingleRecord
from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.data.sources.labels.registry import definition_of
from ecgmm.data.sources.waveform_reader import WaveformReader
from ecgmm.errors import ConfigError
from ecgmm.leads import LEADS
from ecgmm.models.method import Method
from ecgmm.predicting.notes import notes_on_waveform, notes_on_words
from ecgmm.predicting.waveforms import read_waveform
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.saved_model import ModelFacts
from ecgmm.text.clean import read_report, split_report
from ecgmm.text.policy import apply_policy
from ecgmm.types import INTERVALS, MISSING_SAMPLE, PADDING_ID, Batch


class ModelInput(NamedTuple):
    """A record and its report, on their way into a model.

    Attributes:
        batch: Batch of this one record as the loader delivers it: int16 waveforms in steps of the model's store.
        notes: What the user should know of the input: faults of the signal, parts that the model does not see.
        single_record: The waveform as it was read, with its quality; None where a report alone was given.
        statements: Statements of the report that the model is shown, cleaned; empty where there are none.
        n_words: Words of these; None where there is no report or the model does not look at it.
        n_unknown_words: Those of them that its vocabulary lacks.
    """

    batch: Batch
    notes: list[str]
    single_record: SingleRecord | None
    statements: list[str]
    n_words: int | None
    n_unknown_words: int | None


def read_input(
    model: SavedModel, record: Path | None, report: str | None, reader: WaveformReader = ANY_LEADS
) -> ModelInput:
    """Read one record and its report.

    Args:
        model: A saved model.
        record: A record, or None for the report alone.
        report: The report's text, or None for the waveform alone.
        reader: Reader of records of its kind.

    Raises:
        ConfigError: If neither is given, or not what the method looks at, or the report holds nothing for it.
        DataError: If the record cannot be read, or shows no signal.
    """
    refuse_unseen(model.method, record, report)
    return input_of(model, None if record is None else read_waveform(record, model.facts.store, reader), report)


def refuse_unseen(method: Method, record: object | None, report: str | None) -> None:
    """Refuse what a method does not look at.

    Raises:
        ConfigError: If neither is given, or not what the method looks at.
    """
    given = [name for name, value in (("ecg", record), ("text", report)) if value is not None]
    if not set(given) & set(method.inputs_at_test) and method.inputs_at_test:
        raise ConfigError(f"{method.name} looks at {' and '.join(method.inputs_at_test)}; give {_needed(method)}")


def input_of(model: SavedModel, waveform: SingleRecord | None, report: str | None) -> ModelInput:
    """The input of a record that was read, see ``read_input``.

    Raises:
        ConfigError: If the report holds nothing that the method looks at.
    """
    method, facts = model.method, model.facts
    notes: list[str] = []
    shown = _shown(report, facts, notes)
    if not shown and method.inputs_at_test and (waveform is None or "ecg" not in method.inputs_at_test):
        raise ConfigError(
            f"nothing is left of the report that {method.name} looks at ({'; '.join(notes)}); give another"
        )
    batch, n_words, n_unknown = _batch(model, waveform, shown), None, None
    if shown and "text" in method.inputs_at_test:
        n_unknown, n_words = model.tokeniser.count_unknown(shown)
        notes += notes_on_words(shown, batch.statement_ids, n_unknown, n_words, model)
    if waveform is not None:
        notes += notes_on_waveform(waveform, facts)
    return ModelInput(batch, notes, waveform, shown, n_words, n_unknown)


def together(inputs: Sequence[ModelInput]) -> Batch:
    """One batch of several inputs, texts padded to the longest."""
    padding = {"token_ids": PADDING_ID, "token_mask": False, "statement_ids": PADDING_ID}

    def joined(name: str) -> torch.Tensor:
        tensors = [getattr(one.batch, name) for one in inputs]
        if name not in padding:
            return torch.cat(tensors)
        return pad_sequence([row for part in tensors for row in part], batch_first=True, padding_value=padding[name])

    return Batch(*map(joined, Batch._fields))


def _batch(model: SavedModel, waveform: SingleRecord | None, shown: list[str]) -> Batch:
    facts = model.facts
    tokens = model.tokeniser.encode_reports([shown], facts.max_tokens)
    nothing = np.full((1, len(LEADS), facts.store.n_times), MISSING_SAMPLE, dtype=np.int16)
    return Batch(
        waveforms=torch.from_numpy(nothing if waveform is None else waveform.steps),
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


def _needed(method: Method) -> str:
    return " or ".join({"ecg": "record=...", "text": 'report="..."'}[name] for name in method.inputs_at_test)


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
