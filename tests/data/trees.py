"""Tiny raw trees for tests, in the exact layout of MIMIC-IV-ECG and PTB-XL."""

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray

from ecgmm.building import construct
from ecgmm.configuration import CONF_DIR
from ecgmm.data.preparation.preparation import prepare_store
from ecgmm.data.sources.source import DataConfig
from ecgmm.data.store.digests import seal
from ecgmm.data.store.partial_store import PartialStore, RowFile, reserve
from ecgmm.data.store.store import DROPPED, EVIDENCE, MANIFEST, REPORTS, Store
from ecgmm.leads import LEADS

MIMIC_ORDER = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
PTB_XL_ORDER = tuple(name.upper() for name in LEADS)
TIME = datetime.datetime(2182, 9, 22, 12, 4, 0)
NATIVE = {"mimic_iv_ecg": 200.0, "ptb_xl": 1000.0}


def naming_steps(n_samples: int = 5000) -> NDArray[np.int16]:
    """int16 ``[12, T]``, standard order, whose every value names its lead and time; T at most 5000."""
    values: NDArray[np.int16] = np.add.outer(np.arange(12) * 5000 - 30000, np.arange(n_samples)).astype(np.int16)
    return values


def write_record(
    base: Path,
    steps: NDArray[np.int16],
    leads: tuple[str, ...] = MIMIC_ORDER,
    gain: str = "200.0(0)/mV",
    rate: str = "500",
    start: str = "12:04:00 22/09/2182",
) -> None:
    """Write ``.hea`` and ``.dat``; ``steps`` are int16 ``[12, T]`` in standard order, stored as ``leads`` says."""
    base.parent.mkdir(parents=True, exist_ok=True)
    standard = [name.upper() for name in LEADS]
    stored = steps[[standard.index(name.upper()) for name in leads]].T
    checksums = stored.sum(axis=0, dtype=np.int16)
    lines = [f"{base.name} {len(leads)} {rate} {len(stored)} {start}".strip()]
    for channel, name in enumerate(leads):
        lines.append(f"{base.name}.dat 16 {gain} 16 0 {stored[0, channel]} {checksums[channel]} 0 {name}")
    base.with_name(f"{base.name}.hea").write_text("\n".join([*lines, "# <subject_id>: 1"]) + "\n")
    base.with_name(f"{base.name}.dat").write_bytes(stored.astype("<i2").tobytes())


@dataclass
class MimicTree:
    """A MIMIC-IV-ECG tree of ``n`` records, three a patient, that a test may damage before it is prepared."""

    root: Path
    n: int = 30
    n_samples: int = 500
    leads: tuple[str, ...] = MIMIC_ORDER
    rows: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        for number in range(self.n):
            patient, study = 10_000_000 + number // 3, 40_000_000 + number
            path = f"files/p1000/p{patient}/s{study}/{study}"
            keys = {"subject_id": patient, "study_id": study, "ecg_time": str(TIME)}
            self.rows.append(keys | {"file_name": study, "path": path})
            self.reports.append(
                keys | {"report_0": "Sinus rhythm", "report_1": None, "report_2": f"Abnormal ECG {number}"}
            )
            write_record(self.root / path, np.roll(naming_steps(self.n_samples), number, axis=1), self.leads)
        self.write_tables()

    def write_tables(self) -> None:
        """Write the two CSVs as ``rows`` and ``reports`` stand."""
        pl.DataFrame(self.rows, infer_schema_length=None).write_csv(self.root / "record_list.csv")
        pl.DataFrame(self.reports, infer_schema_length=None).write_csv(self.root / "machine_measurements.csv")

    def file(self, number: int, ending: str) -> Path:
        """Path of one of a record's files."""
        return self.root / f"{self.rows[number]['path']}{ending}"

    def edit_header(self, number: int, old: str, new: str) -> None:
        """Replace text in a header."""
        path = self.file(number, ".hea")
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


def write_ptb_xl(root: Path, n: int = 20, rate_hz: int = 500, codes: dict[int, str] | None = None) -> None:
    """A PTB-XL tree; record ``k`` (from 1) is in fold ``(k - 1) % 10 + 1``."""
    ending = "lr" if rate_hz == 100 else "hr"
    rows = []
    for ecg_id in range(1, n + 1):
        paths = {name: f"records{rate}/00000/{ecg_id:05d}_{name}" for name, rate in (("lr", 100), ("hr", 500))}
        rows.append(
            {
                "ecg_id": ecg_id,
                "patient_id": f"{7000 + ecg_id}.0",
                "recording_date": "1984-12-01 14:49:52",
                "report": "sinusrhythmus linkstyp",
                "scp_codes": (codes or {}).get(ecg_id, "{'NORM': 100.0, 'SR': 0.0}"),
                "strat_fold": (ecg_id - 1) % 10 + 1,
                "filename_lr": paths["lr"],
                "filename_hr": paths["hr"],
            }
        )
        start = "" if rate_hz == 100 else "14:49:52 01/12/1984"
        steps = np.roll(naming_steps(10 * rate_hz), ecg_id, axis=1)
        write_record(root / paths[ending], steps, PTB_XL_ORDER, "1000.0(0)/mV", str(rate_hz), start)
    pl.DataFrame(rows).write_csv(root / "ptbxl_database.csv")
    (root / "scp_statements.csv").write_text(
        ",description,diagnostic_class\nNORM,normal,NORM\nIMI,infarct,MI\nLVH,left,HYP\nNDT,t,STTC\nLAFB,block,CD\nSR,sinus,\n"
    )


def write_store(
    path: Path,
    waveforms: NDArray[np.int16],
    records: pl.DataFrame,
    reports: pl.DataFrame,
    manifest: dict[str, Any],
    evidence: pl.DataFrame | None = None,
) -> Store:
    """A store with this content; without ``evidence`` no label set fits it."""
    evidence = records.select("record").unique() if evidence is None else evidence
    n_times = waveforms.shape[-1]
    with PartialStore(path, n_times, "a test") as store:
        reserve({store: len(waveforms)})
        with RowFile(store.waveforms, waveforms[0].nbytes) as file:
            file.write(0, waveforms)
        others = {REPORTS: reports, EVIDENCE: evidence, DROPPED: nothing_dropped()}
        numbers = {"n_records": len(waveforms), "n_times": n_times, "evidence": {"columns": evidence.columns[1:]}}
        store.finish(records, others, {**numbers, **manifest})
    return Store.open(path)


def edit_manifest(path: Path, **changes: Any) -> None:
    """Change a store's manifest as if it had been written so."""
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    (path / MANIFEST).write_text(json.dumps(seal(manifest | changes)), encoding="utf-8")


def nothing_dropped() -> pl.DataFrame:
    """The ``dropped.parquet`` of a store that lacks no record."""
    return pl.DataFrame(schema={"record": pl.Int64, "path": pl.String, "reason": pl.String})


SHORT = "data.window.length_s=1"  # MimicTree holds 1 s, 500 samples


def prepare(source: str, root: Path, *overrides: str) -> Store:
    """Prepare a tree into the folder ``stores`` beside it and open the store."""
    return Store.open(prepare_store(data_config(source, root, root.parent / "stores", *overrides)))


def data_config(source: str, root: Path, stores: Path, *overrides: str) -> DataConfig:
    """The settings that a command line with these overrides gives."""
    shares = ["data.split.train=0.4", "data.split.val=0.3", "data.split.test=0.3"]  # ten patients reach every split
    given = [f"data={source}", f"data.root={root}", f"paths.stores={stores}", *shares, *overrides]
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config: DataConfig = construct(compose("prepare", given).data)
    return config
