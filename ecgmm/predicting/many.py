"""Prediction of many records: read side by side, answered batch by batch, and gone on with after an interruption."""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ecgmm.console.ending import Stopped
from ecgmm.data.preparation.single_record import SingleRecord
from ecgmm.data.preparation.waveform_pass import warm_up
from ecgmm.data.preparation.workers import Workers, choose_n_processes
from ecgmm.data.sources.any_reader import ANY_LEADS
from ecgmm.errors import ConfigError, UserError
from ecgmm.locks import one_process
from ecgmm.predicting.inputs import ModelInput, input_of, refuse_unseen
from ecgmm.predicting.journal import Journal
from ecgmm.predicting.prediction import COVERAGE, Prediction, predict
from ecgmm.predicting.record_list import Listed
from ecgmm.predicting.table import Row, row_of, table_of, write_table
from ecgmm.predicting.waveforms import read_waveform
from ecgmm.progress import run_with_progress
from ecgmm.runs.loading import SavedModel
from ecgmm.runs.saved_model import Signal
from ecgmm.version import __version__

BATCH = 64
"""Records of a batch, and of a line of the journal: a kill loses less than a second of work."""
MANY = 5_000
"""Records from which on the start of reading processes costs less than they gain (benchmarks/predict.py)."""

log = logging.getLogger(__name__)


class Wishes(NamedTuple):
    """What is wanted beside the table.

    Attributes:
        coverage: Of the conformal sets.
        sheets: Folder for a sheet of each record that is not refused; None draws none.
        sheet_format: Of these files, ``pdf`` or ``png``.
    """

    coverage: float = COVERAGE
    sheets: Path | None = None
    sheet_format: str = "pdf"


class _Part(NamedTuple):
    """Records that a process reads in one go."""

    records: list[str | None]
    root: Path
    signal: Signal


def predict_many(
    model: SavedModel,
    listed: Sequence[Listed],
    root: Path,
    out: Path | None = None,
    wishes: Wishes | None = None,
    n_processes: int | None = None,
) -> pl.DataFrame:
    """Predict the records of a list.

    Args:
        model: A saved model.
        listed: The records.
        root: Folder that their paths start at, and that none of their files may leave.
        out: Table to write, ``.csv``, ``.parquet`` or ``.json``; with it an interrupted call can be given again.
        wishes: See ``Wishes``.
        n_processes: Processes that read; None takes one, or one for each core from ``MANY`` records on.

    Returns:
        The table; see ``ecgmm.predicting.table.columns``.

    Raises:
        ConfigError: If the method looks at nothing that any record has.
        DataError: If an answer of the model is no number, or the table cannot be written.
    """
    wishes = wishes or Wishes()
    _refuse_all_unseen(model, listed)
    if wishes.sheets is not None:
        wishes.sheets.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    names = model.facts.class_names
    with nullcontext() if out is None else one_process(out, "predicts"):
        if out is None:
            run_with_progress(_parts(model, listed, root, wishes, n_processes, rows), len(listed), "predicting")
            return table_of(rows, names)
        out.parent.mkdir(parents=True, exist_ok=True)
        with Journal(out, _key(model, listed, root, wishes)) as journal:
            rows += [row for part in journal.parts for row in part]
            if rows:
                log.info("%s goes on behind %s of %s records", out, f"{len(rows):,}", f"{len(listed):,}")
            work = _parts(model, listed, root, wishes, n_processes, rows, journal)
            try:
                run_with_progress(work, len(listed) - len(rows), "predicting")
            except Stopped as stop:
                stop.add_note(f"{out} is not finished; the same command goes on")
                raise
            table = table_of(rows, names)
            write_table(table, out)
            journal.remove()
    return table


def _parts(
    model: SavedModel,
    listed: Sequence[Listed],
    root: Path,
    wishes: Wishes,
    n_processes: int | None,
    rows: list[Row],
    journal: Journal | None = None,
) -> Iterator[int]:
    """Predict the records behind ``rows``, to which theirs are added; yields the size of each part when it is done."""
    starts = range(len(rows), len(listed), BATCH)
    n_processes = choose_n_processes(n_processes, len(listed) - len(rows), MANY)
    tasks = (_Part([one.record for one in listed[k : k + BATCH]], root, model.facts.store) for k in starts)
    with Workers(n_processes, warm_up, "n_processes") as workers:
        for start, read in zip(starts, workers.run(_read_part, tasks), strict=True):
            part = listed[start : start + BATCH]
            found = _answers(model, part, read, wishes, start + 1)
            new = [row_of(number, *one) for number, one in enumerate(zip(part, found, strict=True), start + 1)]
            rows += new
            if journal is not None:
                journal.add(new)
            yield len(new)


def _read_part(part: _Part) -> list[SingleRecord | str | None]:
    """Waveforms of a part; in the place of one that is refused the reason."""
    found: list[SingleRecord | str | None] = []
    for record in part.records:
        try:
            found.append(
                None if record is None else read_waveform(part.root / record, part.signal, ANY_LEADS, part.root)
            )
        except UserError as error:
            found.append(str(error))
    return found


def _answers(
    model: SavedModel, part: Sequence[Listed], read: Sequence[SingleRecord | str | None], wishes: Wishes, first: int
) -> list[Prediction | str]:
    """Prediction of each record of a part, or the reason why there is none; draws the sheets."""
    inputs: list[ModelInput | str] = []
    for listed, waveform in zip(part, read, strict=True):
        try:
            refuse_unseen(model.method, listed.record, listed.report)
            inputs.append(waveform if isinstance(waveform, str) else input_of(model, waveform, listed.report))
        except UserError as error:
            inputs.append(str(error))
    sound = [one for one in inputs if not isinstance(one, str)]
    predictions = iter(predict(model, sound, wishes.coverage) if sound else [])
    found = [one if isinstance(one, str) else next(predictions) for one in inputs]
    if wishes.sheets is not None:
        from ecgmm.predicting.sheets import save_sheet  # matplotlib takes a second, and most lists want no sheets

        for number, (given, answer) in enumerate(zip(inputs, found, strict=True), first):
            if not isinstance(given, str) and not isinstance(answer, str):
                file = wishes.sheets / f"{number:06d}.{wishes.sheet_format}"
                save_sheet(file, model.facts, given, answer, _title(part[number - first], number))
    return found


def _title(listed: Listed, number: int) -> str:
    return listed.id or listed.record or f"report of row {number}"


def _refuse_all_unseen(model: SavedModel, listed: Sequence[Listed]) -> None:
    """Refuse a list in which no record has what the method looks at, before anything is read.

    Raises:
        ConfigError: If it is one.
    """
    for one in listed:
        try:
            refuse_unseen(model.method, one.record, one.report)
        except ConfigError as error:
            refused = error
        else:
            return
    if listed:
        raise refused


def _key(model: SavedModel, listed: Sequence[Listed], root: Path, wishes: Wishes) -> str:
    """Digest of what decides the rows, apart from the files of the records."""
    wanted = [str(value) for value in wishes]
    decides = [__version__, model.facts.plain(), [list(one) for one in listed], str(root.resolve()), wanted]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
