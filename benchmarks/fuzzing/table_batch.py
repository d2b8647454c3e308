"""Mutated tables: what preparation keeps is compared with the truth, and with how Python's ``csv`` reads the tables."""

import csv
import io
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from benchmarks.fuzzing.table_mutations import CELLS, FILES, Rows
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict, prepare_quietly
from ecgmm.data.sources.drops import Drop
from ecgmm.data.sources.known_values import NO_VALUE
from ecgmm.data.sources.source import DataConfig
from ecgmm.data.store.store import Store
from ecgmm.errors import DataError
from ecgmm.text.clean import clean_report
from tests.data.trees import SHORT, MimicTree, data_config, naming_steps

LIST, MEASURED = "record_list.csv", "machine_measurements.csv"
KINDS = [f"cell.{name}" for name in CELLS] + [f"file.{name}" for name in FILES]
N_SOUND, N_TIMES, FIRST_RECORD = 30, 500, 40_000_000
NUMBERS = ("rr_interval", "p_axis")
_PLAIN: Literal[0] = csv.QUOTE_MINIMAL  # leaves a lone CR bare
_QUOTED: Literal[1] = csv.QUOTE_ALL
_TIME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?: +|T)(\d{1,2}:\d{1,2}:[0-5]?\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?", re.ASCII)
_NO_NUMBER = (29999.0, 32767.0, -32767.0, -32768.0, 65535.0)


class Seen(NamedTuple):
    """What is known of one record, by one reader."""

    patient: int | None
    time: datetime | None
    statements: tuple[str, ...]
    numbers: tuple[float | None, ...]


def judge(cases: list[Case], folder: Path) -> list[Verdict]:
    """Mutate one row for each case of ``cell.``, or for each case of ``file.`` in turn a file; prepare, and judge each.

    Args:
        cases: Of one of ``KINDS``.
        folder: An empty folder to work in.

    Returns:
        A verdict on each case, in order.

    Raises:
        Exception: Whatever preparation raises besides DataError; it should raise nothing.
    """
    of_cells = cases[0].kind.startswith("cell.")
    tree = MimicTree(folder / "tree", N_SOUND + len(cases) * of_cells, N_TIMES)
    listed = _write_tables(tree, [])[LIST]
    truth = _seen_by_csv(tree.root)
    assert truth is not None
    config = data_config("mimic_iv_ecg", tree.root, folder / "stores", SHORT, "data.n_processes=1")
    if of_cells:
        _write_tables(tree, cases)
        return _judge_prepared(cases, config, truth, listed)
    verdicts = []
    for case in cases:
        _write_tables(tree, [])
        _mutate_file(tree.root, case)
        verdicts += _judge_prepared([case], config, truth, listed)
        shutil.rmtree(config.stores, ignore_errors=True)
    return verdicts


def _judge_prepared(cases: list[Case], config: DataConfig, truth: dict[int, list[Seen]], listed: Rows) -> list[Verdict]:
    elsewhere = _seen_by_csv(config.root_path)
    try:
        store = prepare_quietly(config)
    except DataError as error:
        sentence = str(error).replace(str(config.root_path), "…")
        outcome = Outcome.REFUSED if "\n" not in sentence else Outcome.FAILED
        return [Verdict(case, outcome, re.sub(r"\d+", "…", sentence), elsewhere is not None) for case in cases]
    judged = _judge_records(store, truth, elsewhere, listed)
    if len(judged) == N_SOUND:  # a mutated file may harm any record
        order = [Outcome.FAILED, Outcome.DROPPED, Outcome.AS_READ, Outcome.AS_WRITTEN]
        chosen = [min(judged, key=lambda outcome: order.index(outcome[0]))]
    else:
        failed = next((outcome for outcome in judged[:N_SOUND] if outcome[0] == Outcome.FAILED), None)
        chosen = [failed] * len(cases) if failed else judged[N_SOUND:]
    return [Verdict(case, *outcome, elsewhere is not None) for case, outcome in zip(cases, chosen, strict=True)]


def _write_tables(tree: MimicTree, cases: list[Case]) -> dict[str, Rows]:
    """Write both tables by Python's csv, with the mutation of each case in its own row."""
    tables: dict[str, Rows] = {LIST: [_text(row) for row in tree.rows]}
    numbers = [{"rr_interval": 600 + number, "p_axis": number} for number in range(tree.n)]
    tables[MEASURED] = [_text(row | own) for row, own in zip(tree.reports, numbers, strict=True)]
    for number, case in enumerate(cases, N_SOUND):
        table, mutate = CELLS[case.kind.removeprefix("cell.")]
        mutate(tables[table], number, case.generator())
    for name, rows in tables.items():
        with (tree.root / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n", quoting=_QUOTED if cases else _PLAIN)
            writer.writeheader()
            writer.writerows(rows)
    return tables


def _text(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _mutate_file(root: Path, case: Case) -> None:
    random = case.generator()
    path = root / str(random.choice([LIST, MEASURED]))
    content = bytearray(path.read_bytes())
    FILES[case.kind.removeprefix("file.")](content, random)
    path.write_bytes(content)


def _seen_by_csv(root: Path) -> dict[int, list[Seen]] | None:
    """Everything the tables say of each record listed, None where they are no sound CSV."""
    listed, measured = _rows(root / LIST), _rows(root / MEASURED)
    if listed is None or measured is None:
        return None
    texts: dict[int | None, list[dict[str, str]]] = {}
    for row in measured:
        texts.setdefault(_integer(row.get("study_id", "")), []).append(row)
    seen: dict[int, list[Seen]] = {}
    for row in listed:
        record = _integer(row.get("study_id", ""))
        if record is not None:
            patient, time = _integer(row.get("subject_id", "")), _time(row.get("ecg_time", ""))
            told = {_told(text) for text in texts.get(record, [{}])}
            seen.setdefault(record, []).extend(Seen(patient, time, *parts) for parts in told)
    return seen


def _rows(path: Path) -> list[dict[str, str]] | None:
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
            if row
        ]
    except (UnicodeDecodeError, csv.Error):
        return None
    if not rows or any(len(row) != len(rows[0]) for row in rows) or len(set(rows[0])) != len(rows[0]):
        return None
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def _told(row: dict[str, str]) -> tuple[tuple[str, ...], tuple[float | None, ...]]:
    columns = sorted((name for name in row if re.fullmatch(r"report_\d+", name)), key=lambda name: int(name[7:]))
    texts = [row[name].strip() for name in columns]
    statements = clean_report([text for text in texts if text and text.lower() not in NO_VALUE])
    return tuple(statements), tuple(_number(row.get(name, "")) for name in NUMBERS)


def _integer(text: str) -> int | None:
    match = re.fullmatch(r"([+-]?\d{1,19})(\.0)?", text.strip(), re.ASCII)
    return int(match[1]) if match and -(2**63) <= int(match[1]) < 2**63 else None


def _time(text: str) -> datetime | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    whole = f"{match[1]} {match[2]} {(match[3] or '').ljust(9, '0')[:6]}"
    try:
        return datetime.strptime(whole, "%Y-%m-%d %H:%M:%S %f")
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        with np.errstate(over="ignore"):
            value = float(np.float32(text.strip())) if "_" not in text and text.isascii() else float("nan")
    except ValueError:
        return None
    return value if np.isfinite(value) and value not in _NO_NUMBER else None


def _seen_in_store(store: Store, row: int) -> Seen:
    record = store.records.row(row, named=True)
    statements = () if record["report"] < 0 else tuple(store.reports["statements"][record["report"]])
    numbers = tuple(record.get(f"measurement.{name}") for name in NUMBERS)
    return Seen(record["patient"], record["time"], statements, numbers)


def _judge_records(
    store: Store, truth: dict[int, list[Seen]], elsewhere: dict[int, list[Seen]] | None, listed: Rows
) -> list[tuple[Outcome, str]]:
    """What became of each record of the unharmed tables."""
    dropped = pl.read_parquet(store.path / "dropped.parquet")
    reasons: dict[Any, str] = dict(dropped.select("path", "reason").iter_rows())
    reasons |= dict(dropped.drop_nulls("record").select("record", "reason").iter_rows())
    row_of = {record: row for row, record in enumerate(store.records["record"])}
    steps = naming_steps(N_TIMES)
    judged = []
    for number, (record, (written,)) in enumerate(truth.items()):
        row, path = row_of.pop(record, None), listed[number]["path"]
        if row is not None:
            waveform_is_its_own = np.array_equal(store.waveforms[row], np.roll(steps, number, axis=1))
            judged.append(_judge(_seen_in_store(store, row), waveform_is_its_own, written, elsewhere, record))
        elif record in reasons or path in reasons or dropped["path"].null_count():  # a row without keys
            judged.append((Outcome.DROPPED, reasons.get(record) or reasons.get(path) or Drop.KEY_MISSING.value))
        elif elsewhere is not None and record not in elsewhere:
            judged.append((Outcome.AS_READ, "not listed"))
        else:
            judged.append((Outcome.FAILED, "neither kept nor dropped"))
    return [(Outcome.FAILED, "a record that was never there")] * len(judged) if row_of else judged


def _judge(
    stored: Seen, waveform_is_its_own: bool, written: Seen, elsewhere: dict[int, list[Seen]] | None, record: int
) -> tuple[Outcome, str]:
    if not waveform_is_its_own or stored.patient != written.patient:
        return Outcome.FAILED, "another record's waveform or patient"
    if stored == written:
        return Outcome.AS_WRITTEN, ""
    if elsewhere is None:
        return Outcome.FAILED, "other values from a table that is no sound CSV"
    if stored in elsewhere.get(record, []):
        return Outcome.AS_READ, ""
    return Outcome.FAILED, "other values than Python's csv reads"
