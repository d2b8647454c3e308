"""Classify a single record with a saved model."""

import math
from pathlib import Path

import numpy as np
import torch

from ecgmm.data.single_record import read_record
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import MODEL
from ecgmm.text.clean import clean_report, split_report
from ecgmm.text.policy import apply_policy
from ecgmm.training.artefact import load_method, load_vocabularies
from ecgmm.types import INTERVALS, MISSING_SAMPLE, Batch


def predict_record(run: Path, record: Path | None, report: str | None) -> tuple[dict[str, float], list[str]]:
    """Classify one record.

    Args:
        run: A finished run directory.
        record: A WFDB record, or None for the report alone.
        report: The report's text, or None for the waveform alone.

    Returns:
        Probability of each class, and ``gate`` (weight of the waveform) where the method has one; and what the method
        says of the record in words, line by line.

    Raises:
        ConfigError: If neither is given, or not what the method looks at.
        DataError: If the record cannot be read.
    """
    model = inside(run, MODEL)
    method, preparation, facts = load_method(model)
    given = [name for name, value in (("ecg", record), ("text", report)) if value is not None]
    if not set(given) & set(method.inputs_at_test) and method.inputs_at_test:
        needed = " or ".join({"ecg": "record=...", "text": 'report="..."'}[name] for name in method.inputs_at_test)
        raise ConfigError(f"{method.name} looks at {' and '.join(method.inputs_at_test)}; give {needed}")
    store = facts["store"]
    shape = (1, 12, store["n_times"])
    steps = np.full(shape, MISSING_SAMPLE, dtype=np.int16)
    if record is not None:
        steps = read_record(record, store["rate_hz"], store["n_times"], store["uv_per_step"])
    statements = [] if report is None else clean_report(split_report(report))
    tokeniser, vocabulary = load_vocabularies(model, facts)
    shown = apply_policy([statements], facts["text_policy"], facts["labels"])
    tokens = tokeniser.encode_reports(shown, facts["max_tokens"])
    with torch.inference_mode():
        waveforms = preparation(torch.from_numpy(steps))
        batch = Batch(
            waveforms=waveforms,
            has_waveform=(waveforms != 0).any(dim=2).any(dim=1),
            token_ids=torch.from_numpy(tokens.ids).long(),
            token_mask=torch.arange(tokens.ids.shape[1]) < torch.from_numpy(tokens.lengths)[:, None],
            statement_ids=torch.from_numpy(vocabulary.encode(shown)).long(),
            has_report=torch.from_numpy(tokens.lengths > 0),
            labels=torch.zeros(1, dtype=torch.int64),
            rows=torch.zeros(1, dtype=torch.int64),
            intervals=torch.full((1, len(INTERVALS)), torch.nan),
        )
        output = method(batch)
        single = facts["task"] == "single_label"
        probabilities = output.logits.softmax(1) if single else output.logits.sigmoid()
        words = method.explain(batch)
    found = dict(zip(facts["class_names"], probabilities[0].tolist(), strict=True))
    if output.gate is not None:
        found["gate"] = float(output.gate[0])
    if not all(map(math.isfinite, found.values())):
        raise DataError(f"the model of {printable(run)} predicts values that are not finite; {CURE}")
    return found, words
