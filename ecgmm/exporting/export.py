"""One way out of a run for commands and scripts: a program or a bundle, and what was measured of it."""

from dataclasses import dataclass
from pathlib import Path

from ecgmm.errors import ConfigError, printable
from ecgmm.exporting.bundle import write_bundle
from ecgmm.exporting.formats import Comparison, export_program
from ecgmm.exporting.program import inputs_of
from ecgmm.exporting.records import stored_records
from ecgmm.files import file_sha256, write_json
from ecgmm.leads import LEADS
from ecgmm.reporting.model_card import card
from ecgmm.runs.run import Run
from ecgmm.runs.store_of_run import find_store
from ecgmm.version import __version__

BUNDLE = "bundle"
_SPEAKS = ("meit", "ecg_doctor")


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        path: The file or folder.
        n_bytes: Its size.
        comparison: How far it is from Python; None for a bundle, which is read by Python.
        notes: What the user should know of it.
    """

    path: Path
    n_bytes: int
    comparison: Comparison | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.n_bytes / 1e6:.2f} MB"


def export(run: Run, kind: str, out: Path, stores: Path, keep_report_words: bool = False) -> Export:
    """Write the model of a run for use elsewhere.

    Args:
        run: The finished run.
        kind: ``torch``, ``onnx`` or ``bundle``.
        out: File of a program, beside which its facts are written as JSON; folder of a bundle.
        stores: Folder in which the run's store is looked for, on whose test records a program is compared.
        keep_report_words: Whether a bundle may hold words of training reports.

    Raises:
        ConfigError: If the model cannot be written so, or something is there already.
        DataError: If a file of the run is damaged.
    """
    if kind == BUNDLE:
        facts = write_bundle(run, out, card(run), keep_report_words)
        n_bytes = sum(known.bytes for known in facts.files.values())
        words = facts.report_words + facts.report_statements
        note = f"it holds {facts.report_words} words and {facts.report_statements} statements of training reports"
        return Export(out, n_bytes, None, (f"{note} and must not leave the house",) if words else ())
    facts_file = out.with_name(f"{out.name}.json")
    for path in (out, facts_file):
        if path.exists():
            raise ConfigError(f"{printable(path)} is there already; name another file with out=..., or remove it")
    store = find_store(run.facts.data.fingerprint, stores)
    records = None if store is None else stored_records(run.model, store)
    out.parent.mkdir(parents=True, exist_ok=True)
    comparison = export_program(run.model, run.temperature, kind, out, records)
    write_json(facts_file, _facts(run, kind, out, comparison))
    notes = []
    if store is None:
        notes.append(f"compared on simulated records: {printable(stores)} lacks the run's store")
    if run.method in _SPEAKS:
        notes.append(f"{run.method} classifies in it; what it says in words stays with Python")
    return Export(out, out.stat().st_size, comparison, tuple(notes))


def _facts(run: Run, kind: str, file: Path, comparison: Comparison) -> dict[str, object]:
    """What a caller of the program must know, and how it was compared."""
    model = run.model
    return {
        "ecgmm": __version__,
        "format": kind,
        "sha256": file_sha256(file),
        "method": run.method,
        "task": run.task,
        "classes": run.classes,
        "thresholds_of_raw": run.metrics.thresholds,
        "temperature": run.temperature,
        "inputs": list(inputs_of(model)),
        "outputs": list(comparison.differences),
        "leads": list(LEADS),
        "rate_hz": model.facts.store.rate_hz,
        "n_times": model.facts.store.n_times,
        "max_tokens": model.facts.max_tokens,
        "text_policy": model.facts.text_policy,
        "doubtful_above": model.facts.doubtful_above,
        "differences": comparison.differences,
        "compared_on": {"records": comparison.n_records, "source": comparison.source},
    }
