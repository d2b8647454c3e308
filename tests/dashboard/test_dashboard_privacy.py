"""No text of a report, no id, no waveform and no folder of the machine is in anything that W&B writes.

A tree is planted with markers: words in statements, frequent enough for the vocabularies and rare ones, and a folder's
name. Every id and piece of every waveform of the store is a marker too. One run learns from it with W&B offline; then
every byte that W&B wrote, or would send, is searched for every marker in its plausible encodings.
"""

import csv
import gzip
import io
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

import ecgmm
from ecgmm.dashboard import content as dashboard_content
from ecgmm.data.store.store import Store
from ecgmm.runs.loading import build_preparation
from ecgmm.runs.metrics import Metrics
from ecgmm.runs.saved_model import Waveform
from tests.dashboard.wandb_files import key_of, records
from tests.dashboard.wandb_server import wandb_server

FREQUENT, RARE = ("zorblaxia", "quuxopathic"), ("wibblefrotz", "plumbuscopic")
DATA_FOLDER, RUN_FOLDER, SWEEP = "ward-of-dr-xylophone", "home-of-mx-marimba", "sweepmarkerglockenspiel"
PIECE = 8  # samples of a waveform in one marker


def plant(root: Path) -> None:
    """Add marked statements to reports: the frequent one to each second record, the rare one to a single record."""
    path = root / "machine_measurements.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    for number, row in enumerate(rows):
        if number % 2 == 0:
            row["report_16"] = f"{FREQUENT[0].title()} {FREQUENT[1]} conduction"
    rows[0]["report_17"] = f"{RARE[0].title()} with {RARE[1]} waves"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def planted(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``raw``, a planted copy of the tiny synthetic tree."""
    folder = tmp_path_factory.mktemp("planted") / DATA_FOLDER
    (raw,) = (tiny_store.parents[1] / "raw").glob("synthetic-*")
    shutil.copytree(raw, folder / "raw")
    plant(folder / "raw")
    return folder


Train = Callable[..., tuple[Path, Store]]


@pytest.fixture
def train(
    command: Callable[..., int],
    quick_settings: list[str],
    planted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Train:
    """Train on the planted tree with W&B offline; returns the run directory and the store."""
    for name in ("DATA", "CACHE", "ARTIFACT"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", "")  # put back after the test
    import wandb

    home = tmp_path / RUN_FOLDER
    home.mkdir()
    monkeypatch.chdir(home)
    wandb.teardown()  # its process keeps the working directory that it was started in
    kept = [text for text in quick_settings if not text.startswith(("paths.", "logger"))]
    places = [f"data.root={planted}/raw", f"paths.stores={planted}/stores", "logger=wandb", "logger.mode=offline"]
    places.append("page=true")

    def run(*overrides: str) -> tuple[Path, Store]:  # overrides come last and win
        directory = home / "run"
        assert command("train", *kept, *places, f"name={SWEEP}", *overrides, f"hydra.run.dir={directory}") == 0
        (store,) = (path for path in (planted / "stores").glob("synthetic-*") if path.suffix != ".labels")
        return directory, Store.open(store)

    return run


def sent_by(directory: Path) -> dict[str, bytes]:
    """Every file that W&B wrote or would send of a run, and its records decoded, each as bytes."""
    folder = directory / "wandb"
    found = {str(path.relative_to(directory)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    stream = records(folder)
    found["records"] = "\n".join(map(str, stream)).encode()
    found["values"] = "\n".join(texts_of(stream)).encode()
    for record in stream:  # artifacts are sent from where they lie
        for entry in record.artifact.manifest.contents:
            found[f"artifact {entry.path}"] = Path(entry.local_path).read_bytes()
    for name, data in list(found.items()):
        if name.endswith(".gz"):
            found[f"{name} unpacked"] = gzip.decompress(data)
        if name.endswith(".png"):
            with Image.open(io.BytesIO(data)) as image:
                found[f"{name} about"] = repr(image.info).encode()
    return found


def texts_of(stream: list[Any]) -> Iterator[str]:
    """What the server would see of the records, without protobuf's escapes where a value may have some."""
    for record in stream:
        for part in (record.history.item, record.summary.update, record.config.update, record.run.config.update):
            yield from (f"{key_of(item)} {item.value_json}" for item in part)
        yield str(record)


def of_text(text: str) -> list[bytes]:
    """A marker's plausible encodings, in lower case."""
    return [text.lower().encode(code) for code in ("utf-8", "utf-16-le")]


def pieces_of(store: Store) -> list[bytes]:
    """Pieces of each lead of each waveform as the machine's numbers: steps, millivolts, and what the model sees."""
    manifest = store.manifest
    prepare = build_preparation(manifest, Waveform(limit_mv=10.0, highpass_hz=None))
    steps = np.array(store.waveforms)
    seen = prepare(torch.from_numpy(steps)).numpy()
    times = slice(manifest["n_times"] // 2, manifest["n_times"] // 2 + PIECE)
    pieces = []
    for row, lead in np.argwhere(np.ptp(steps[:, :, times], axis=2) > PIECE).tolist():  # flat ones are everywhere
        piece = steps[row, lead, times]
        pieces += [piece.astype(kind).tobytes() for kind in ("<i2", "<i4", "<i8", "<f4", "<f8")]
        for values in (piece * (manifest["uv_per_step"] / 1000), seen[row, lead, times]):
            pieces += [values.astype(kind).tobytes() for kind in ("<f4", "<f8")]
    return pieces


def texts_of_waveforms(store: Store) -> list[str]:
    """Pieces of lead II of each waveform as numbers in a list."""
    times = slice(store.manifest["n_times"] // 2, store.manifest["n_times"] // 2 + PIECE)
    pieces = [steps.tolist() for steps in store.waveforms[:, 1, times] if np.ptp(steps) > PIECE]
    return [separator.join(map(str, piece)) for piece in pieces for separator in (",", ", ")]


def ids_of(store: Store) -> list[int]:
    """Record and patient numbers."""
    return [*store.records["record"].unique(), *store.records["patient"].unique()]


def with_texts(sent: dict[str, bytes], texts: list[str]) -> list[tuple[str, str]]:
    """Where which of some texts is found, in upper or lower case."""
    lower = {name: data.lower() for name, data in sent.items()}
    return [
        (name, text) for name, data in lower.items() for text in texts if any(code in data for code in of_text(text))
    ]


def with_numbers(sent: dict[str, bytes], numbers: list[int]) -> list[tuple[str, int]]:
    """Where which of some whole numbers of 8 digits is found in a text."""
    known = set(numbers)
    found = {name: {int(word) for word in re.findall(rb"(?<![\d.])\d{8}(?!\d)", data)} for name, data in sent.items()}
    return [(name, number) for name, words in found.items() for number in words & known]


def with_bytes(sent: dict[str, bytes], wanted: list[bytes]) -> list[str]:
    """Where any of many byte strings, of 8 bytes or more, is found at any offset."""
    by_start: dict[int, set[bytes]] = {}
    for piece in wanted:
        by_start.setdefault(int.from_bytes(piece[:8], "little", signed=True), set()).add(piece)
    starts = np.array(list(by_start))

    def holds(data: bytes) -> bool:
        for shift in range(min(8, len(data))):
            words = np.frombuffer(data, "<i8", count=(len(data) - shift) // 8, offset=shift)
            for position in np.flatnonzero(np.isin(words, starts)).tolist():
                if any(data.startswith(piece, shift + 8 * position) for piece in by_start[int(words[position])]):
                    return True
        return False

    return [name for name, data in sent.items() if holds(data)]


def check(sent: dict[str, bytes], store: Store) -> None:
    """Nothing of a report, a patient, a waveform or the data's folder is in what was sent."""
    ids = ids_of(store)
    assert with_texts(sent, [*FREQUENT, *RARE, DATA_FOLDER, *texts_of_waveforms(store)]) == []
    assert with_numbers(sent, ids) == []
    assert with_bytes(sent, [struct.pack(kind, number) for number in ids for kind in ("<q", "<d")]) == []
    assert with_bytes(sent, pieces_of(store)) == []


THIS_MACHINE = [RUN_FOLDER, str(Path(ecgmm.__file__).parents[1]), f'"{socket.gethostname()}"']


def check_server(came: dict[str, bytes], store: Store) -> None:
    """A server got all that is meant for it and nothing else."""
    names = {name.split(" ", 1)[1] for name in came}
    assert names >= {"UpsertBucket", "/upload/model.safetensors", "/upload/model.json", "/upload/manifest.json"}
    assert len([name for name in names if name.endswith((".png", ".table.json"))]) >= 5
    check(came, store)
    assert with_texts(came, THIS_MACHINE) == []
    assert {name.split(" ", 1)[1] for name, _ in with_texts(came, [SWEEP])} >= {"UpsertBucket", "/upload/config.yaml"}


def test_nothing_of_a_patient_is_in_what_wandb_writes_offline_and_sends_later(train: Train) -> None:
    directory, store = train()
    vocabularies = b"".join(path.read_bytes() for path in (directory / "model").rglob("*.json")).decode()
    assert all(word in vocabularies for word in FREQUENT), "the run must know what it must not tell"

    sent = sent_by(directory)
    assert {"artifact model.safetensors", "artifact model.json", "artifact manifest.json"} <= set(sent)
    check(sent, store)
    told = {name: data for name, data in sent.items() if "/logs/" not in name and not name.endswith(".log")}
    assert with_texts(told, THIS_MACHINE) == []  # logs stay here
    found = {name for name, _ in with_texts(sent, [SWEEP])}  # the search finds what is there
    assert found >= {"records", "values"}
    assert any(name.endswith(".wandb") for name in found)

    page = {"report.html": (directory / "report.html").read_bytes()}
    page |= {path.name: path.read_bytes() for path in (directory / "figures").iterdir()}
    assert len(page) == 8
    check(page, store)
    assert with_texts(page, THIS_MACHINE) == []

    (kept,) = (directory / "wandb").glob("offline-run-*")
    with wandb_server() as (address, came):
        server = {"WANDB_BASE_URL": address, "WANDB_API_KEY": "0" * 40, "WANDB_ERROR_REPORTING": "false"}
        subprocess.run([sys.executable, "-m", "wandb", "sync", str(kept)], env={**os.environ, **server}, check=True)
    check_server(came, store)


def test_nothing_of_a_patient_is_in_what_a_server_gets(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    with wandb_server() as (address, came):
        monkeypatch.setenv("WANDB_BASE_URL", address)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        wandb.teardown()  # settings are read from the environment once
        directory, store = train("logger.mode=online", "method=fg_clep", "stages=two")
        wandb.teardown()
    assert FREQUENT[0] in (directory / "model" / "statements.json").read_text()
    check_server(came, store)


def test_a_leak_would_be_found(train: Train, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = dashboard_content.tables

    def leaking(metrics: Metrics) -> Any:
        vocabulary = next(tmp_path.rglob("statements.json")).read_text()
        frame = pl.read_parquet(next(tmp_path.rglob("predictions.parquet")))
        steps = np.load(next(planted.rglob("waveforms.npy")), mmap_mode="r")[:9]
        kept = next(tmp_path.rglob("wandb")) / "kept.bin"
        kept.write_bytes(steps.tobytes() + frame["patient"].to_numpy().tobytes())
        row = [vocabulary, str(frame["record"].to_list()), str(steps[:, 1].tolist())]
        return {**usual(metrics), "test/leak": (["words", "records", "samples"], [row])}

    monkeypatch.setattr(dashboard_content, "tables", leaking)
    directory, store = train("seed=7")
    sent = sent_by(directory)
    leak = {name: data for name, data in sent.items() if "leak" in name}
    assert {word for _, word in with_texts(leak, list(FREQUENT))} == set(FREQUENT)
    assert with_texts(leak, texts_of_waveforms(store)) != []
    assert len({number for _, number in with_numbers(leak, ids_of(store))}) > 20
    assert with_bytes(sent, pieces_of(store)) == ["wandb/kept.bin"]
    assert with_bytes(sent, [struct.pack("<q", number) for number in ids_of(store)]) == ["wandb/kept.bin"]
