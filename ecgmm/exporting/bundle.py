"""Bundles: a model with its preparation, vocabularies, labels, metrics and card in one folder that names its files.

A bundle is a run directory without what must stay in the house: no predictions, settings, history or checkpoints. What
it holds besides is ``README.md`` (the card), ``example.safetensors`` and ``bundle.json``, which remembers all files.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from safetensors import SafetensorError
from safetensors.torch import load, save

from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.exporting.formats import LARGEST_DIFFERENCE, expected_of
from ecgmm.exporting.program import MILLIVOLTS, STATEMENT_IDS, TOKEN_IDS, TOKEN_MASK
from ecgmm.exporting.records import batch_from, inputs_from, simulated_records, some_of
from ecgmm.exporting.words import Vocabularies, vocabularies_to_give
from ecgmm.files import inside, write_json, write_whole
from ecgmm.runs.facts import RUN, RunFacts, read_facts
from ecgmm.runs.loading import SavedModel, load_model
from ecgmm.runs.metrics import METRICS, read_metrics, write_metrics
from ecgmm.runs.reading import Count, Name, Schema, Written, json_of, read_file, written
from ecgmm.runs.run import Run
from ecgmm.runs.saved_model import MODEL, STATEMENTS, TOKENISER, write_model
from ecgmm.version import __version__

MANIFEST, CARD, EXAMPLE = "bundle.json", "README.md", "example.safetensors"
SCHEMA_VERSION = 1
_INPUTS = (MILLIVOLTS, TOKEN_IDS, TOKEN_MASK, STATEMENT_IDS)
_N_EXAMPLES = 2
_MOST_BYTES = 64 << 20
_CURE = "fetch the bundle again, or export it again from its run"


class BundleFacts(Schema):
    """``bundle.json``.

    Attributes:
        schema_version: Of the bundle.
        ecgmm: Version that wrote it.
        method: Name of the method.
        report_words: Words in it that are of training reports (see ``ecgmm.exporting.words``).
        report_statements: Statements of that kind.
        files: Size and digest of every other file, by its path.
    """

    schema_version: int
    ecgmm: Name
    method: Name
    report_words: Count
    report_statements: Count
    files: Annotated[dict[str, Written], Field(min_length=1, max_length=100)]


def write_bundle(run: Run, folder: Path, card: str, keep_report_words: bool = False) -> BundleFacts:
    """Write the bundle of a run.

    Args:
        run: The finished run.
        folder: The folder to make.
        card: Text of ``README.md``, in Markdown.
        keep_report_words: Whether words of training reports may be in it; it must then stay in the house.

    Raises:
        ConfigError: If the folder is there already, or would hold words of training reports.
        DataError: If a file of the run is damaged.
    """
    if folder.exists():
        raise ConfigError(f"out={printable(folder)} is there already; name a folder that is not, or remove it")
    model = run.model
    given = vocabularies_to_give(model)
    if not keep_report_words:
        _refuse_report_words(given, run.method)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-", dir=folder.parent))
    try:
        facts = _write(run, model, given, card, partial)
        partial.chmod(0o755)  # mkdtemp makes it private
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial)
        raise
    return facts


def _write(run: Run, model: SavedModel, given: Vocabularies, card: str, folder: Path) -> BundleFacts:
    (folder / MODEL).mkdir()
    given.tokeniser.save(folder / MODEL / TOKENISER)
    given.statements.save(folder / MODEL / STATEMENTS)
    write_model(folder / MODEL, model.facts, model.method.state_dict())
    _write_example(load_model(folder), run.temperature, folder / EXAMPLE)
    write_metrics(folder / METRICS, run.metrics.model_copy(update={"temperature": run.temperature}))
    write_json(folder / RUN, _facts_to_give(run.facts, folder).plain())
    write_whole(folder / CARD, card.encode())
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    facts = BundleFacts(
        schema_version=SCHEMA_VERSION,
        ecgmm=__version__,
        method=run.method,
        report_words=given.n_words,
        report_statements=given.n_statements,
        files=written(folder, names),
    )
    write_json(folder / MANIFEST, {**facts.plain(), "sha256": _digest(facts.plain())})
    return facts


def _facts_to_give(facts: RunFacts, folder: Path) -> RunFacts:
    """``run.json`` without the flow of participants, which counts people one by one, and names of initial weights."""
    data = facts.data.model_copy(update={"participants": None})
    return facts.model_copy(update={"data": data, "init": None, "files": written(folder, [METRICS])})


def _refuse_report_words(given: Vocabularies, method: str) -> None:
    if given.n_words or given.n_statements:
        raise ConfigError(
            f"the vocabulary of this {method} holds {given.n_words} words and {given.n_statements} statements of"
            " training reports; train with text.vocabulary=closed for a model that leaves the house, or keep it there"
            " and set report_words=keep"
        )


def _write_example(model: SavedModel, temperature: float, file: Path) -> None:
    """Simulated records as a program takes them, and what the model answers to them."""
    batch = some_of(simulated_records(model), range(_N_EXAMPLES))
    inputs = inputs_from(batch, _INPUTS, model.preparation.mv_per_step)
    answers = expected_of(model, temperature, batch)
    tensors = {f"input.{name}": values.contiguous() for name, values in zip(_INPUTS, inputs, strict=True)}
    tensors |= {f"output.{name}": torch.from_numpy(values).float().contiguous() for name, values in answers.items()}
    write_whole(file, save(tensors))


def is_bundle(folder: Path) -> bool:
    """Whether a folder says that it is a bundle."""
    return (folder / MANIFEST).is_file()


def check_bundle(folder: Path) -> BundleFacts:
    """Read ``bundle.json`` and compare every file with it; nothing is run.

    Raises:
        DataError: If it cannot be used, a file is missing or not what it names, or there is one that it does not name.
    """
    facts = manifest_of(folder)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    extra = sorted(there - facts.files.keys() - {MANIFEST})
    if extra:
        raise DataError(f"{printable(folder / extra[0])} is no part of the bundle; remove it, or {_CURE}")
    for name, known in facts.files.items():
        path = inside(folder, *name.split("/"))
        if not path.exists():
            raise DataError(f"{printable(path)} of the bundle is missing; {_CURE}")
        if not path.is_file() or path.stat().st_size != known.bytes or written(folder, [name])[name] != known:
            raise DataError(f"{printable(path)} is not what {MANIFEST} says; {_CURE}")
    return facts


def manifest_of(folder: Path) -> BundleFacts:
    """``bundle.json`` alone.

    Raises:
        DataError: If it is missing, damaged, of another version, or names a file outside the folder.
    """
    path = inside(folder, MANIFEST)
    content = json_of(path, read_file(folder, MANIFEST, _MOST_BYTES))
    digest = content.pop("sha256", None)
    if content.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{printable(path)} has schema_version {printable(content.get('schema_version'))} and this program reads"
            f" {SCHEMA_VERSION}; export the bundle again from its run"
        )
    if digest != _digest(content):
        raise DataError(f"{printable(path)} is damaged: its digest is another; {_CURE}")
    facts = BundleFacts.read(content, path)
    for name in facts.files:
        parts = name.split("/")
        if name == MANIFEST or "\\" in name or any(part in ("", ".", "..") for part in parts):
            raise DataError(f"{printable(path)} names a file that no bundle has ({printable(name, 60)!r}); {_CURE}")
    return facts


def read_run(folder: Path) -> Run:
    """The run of a bundle that was checked: facts, metrics and model.

    Raises:
        DataError: If a file is not what a bundle holds.
    """
    facts = read_facts(folder)
    if facts is None:
        raise DataError(f"{printable(folder / RUN)} is of no finished run; {_CURE}")
    return Run(folder, facts, read_metrics(folder, facts))


def check_example(folder: Path, model: SavedModel, temperature: float) -> float:
    """Predict the records of ``example.safetensors``: the largest difference from what stands there.

    Raises:
        DataError: If the file cannot be used, or the difference is more than ``LARGEST_DIFFERENCE``.
    """
    path = inside(folder, EXAMPLE)
    try:
        tensors = load(read_file(folder, EXAMPLE, _MOST_BYTES))
        batch = batch_from({name: tensors[f"input.{name}"] for name in _INPUTS}, model.preparation.mv_per_step)
        found = expected_of(model, temperature, batch)
        gaps = [np.abs(values - tensors[f"output.{name}"].numpy()).max() for name, values in found.items()]
    except (SafetensorError, KeyError, ValueError, RuntimeError, IndexError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{printable(path)} holds no example for this model; {_CURE}") from None
    largest = float(np.max(gaps))
    if not largest <= LARGEST_DIFFERENCE:
        raise DataError(
            f"{printable(path)} is answered with a difference of {largest:.1e}, more than {LARGEST_DIFFERENCE:g}: the"
            " libraries here compute other numbers; install the versions that run.json names"
        )
    return largest


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
