"""Mutated saved models: a prediction is the one of before, or the model is refused in one sentence.

Digests notice every damage. Models of earlier versions have none, and whoever writes one can leave them out: those of
the kinds ``undigested`` may be other sound models, but run nothing, hang nowhere and answer with numbers.
"""

import contextlib
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from numpy.random import Generator

from benchmarks.fuzzing.file_mutations import (
    flip_bit,
    insert_bytes,
    other_bytes,
    pick,
    remove_bytes,
    truncate,
)
from benchmarks.fuzzing.settings_batch import VALUES
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict, memory_limit, time_limit
from ecgmm.commands.command_line import set_up_hydra
from ecgmm.configuration import CONF_DIR
from ecgmm.errors import UserError
from ecgmm.predicting.prediction import Prediction, predict_record
from ecgmm.runs.loading import load_model

SETTINGS = (
    "recipe=quick", "method=gated_fusion", "data.n_patients=40", "trainer.max_epochs=1", "trainer.accelerator=cpu",
    "trainer.enable_progress_bar=false", "logger=none", "evaluation.n_resamples=1", "ecg_encoder.channels=[4,8]",
    "ecg_encoder.dim=8", "data.split.train=0.5", "data.split.val=0.25", "data.split.test=0.25",
)  # fmt: skip
FILES = ("model.json", "model.safetensors", "statements.json", "tokeniser/tokenizer.json")
Change = Callable[[Path, Generator], None]


def _in_bytes(path: Path, random: Generator) -> None:
    content = bytearray(path.read_bytes())
    pick((flip_bit, other_bytes, insert_bytes, remove_bytes, truncate), random)(content, random)
    path.write_bytes(content)


def _in_json(path: Path, random: Generator) -> None:
    """Another value, no value, or a value more, somewhere in a JSON file."""
    content = json.loads(path.read_bytes())
    holder = content
    while True:
        key = pick(list(holder), random) if isinstance(holder, dict) else int(random.integers(len(holder)))
        if not isinstance(holder[key], dict | list) or not holder[key] or random.random() < 0.2:
            break
        holder = holder[key]
    number = random.random()
    if number < 0.7:
        holder[key] = pick(VALUES, random)
    elif number < 0.85:
        del holder[key]
    elif isinstance(holder, dict):
        holder[f"{key}x"] = pick(VALUES, random)
    else:
        holder.insert(key, pick(VALUES, random))
    path.write_text(json.dumps(content, ensure_ascii=random.random() < 0.5), encoding="utf-8", errors="replace")


def _not_a_file(path: Path, random: Generator) -> None:
    path.unlink()
    links = (lambda: path.symlink_to("/dev/zero"), lambda: path.symlink_to(path), lambda: os.mkfifo(path))
    pick((path.mkdir, path.touch, lambda: None, *links), random)()


def _undigested(change: Change) -> Change:
    def mutate(path: Path, random: Generator) -> None:
        facts = path.parents[path.parent.name == "tokeniser"] / "model.json"
        content = json.loads(facts.read_bytes())
        del content["files"], content["sha256"]
        facts.write_text(json.dumps(content), encoding="utf-8")
        change(path, random)

    return mutate


_JSON = tuple(name for name in FILES if name.endswith(".json"))
CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "bytes": (_in_bytes, FILES),
    "json": (_in_json, _JSON),
    "not_a_file": (_not_a_file, FILES),
    "undigested_bytes": (_undigested(_in_bytes), FILES),
    "undigested_json": (_undigested(_in_json), _JSON),
}
KINDS = {f"model.{change}.{name}": (CHANGES[change][0], name) for change in CHANGES for name in CHANGES[change][1]}


def judge(cases: list[Case], folder: Path) -> list[Verdict]:
    """Change one file of a saved model for each case, predict, and compare.

    Args:
        cases: Of kinds in ``KINDS``.
        folder: An empty folder to work in.

    Returns:
        A verdict on each case, in order.
    """
    run, record = _trained()
    sound = _predict(run, record)
    verdicts = []
    for number, case in enumerate(cases):
        copy = folder / str(number)
        shutil.copytree(run / "model", copy / "model")
        change, name = KINDS[case.kind]
        change(copy / "model" / name, case.generator())
        verdicts.append(Verdict(case, *_judge(copy, record, sound, "undigested" in case.kind), False))
        shutil.rmtree(copy)
    return verdicts


def _judge(run: Path, record: Path, sound: Prediction, may_differ: bool) -> tuple[Outcome, str]:
    try:
        with memory_limit():
            found = _predict(run, record)
    except UserError as error:
        sentence = str(error)
        if not sentence.isprintable():
            return Outcome.FAILED, "the sentence is not printable"
        return Outcome.REFUSED, sentence.replace(str(run), "RUN")[:90]
    except Exception as error:  # whatever it is, it is a finding
        return Outcome.FAILED, f"{type(error).__name__}: {error}"[:300]
    if found == sound:
        return Outcome.AS_WRITTEN, ""
    if not all(map(math.isfinite, found.numbers.values())):
        return Outcome.FAILED, "an answer that is no number"
    return (Outcome.AS_READ, "") if may_differ else (Outcome.FAILED, "another answer without a word")


def _predict(run: Path, record: Path) -> Prediction:
    with contextlib.redirect_stderr(io.StringIO()), time_limit():
        return predict_record(load_model(run), record, "Sinus rhythm. Left bundle branch block.")


@cache
def _trained() -> tuple[Path, Path]:
    """A tiny run and a record, made once a process and removed at its end."""
    from ecgmm.data.preparation.opening import open_or_prepare
    from ecgmm.training.build import set_up
    from ecgmm.training.run import train_run

    folder = Path(_kept.name)
    paths = [f"paths.{name}={folder}/{name}" for name in ("raw", "stores", "outputs")]
    set_up_hydra()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = compose("train", [*SETTINGS, *paths])
    with contextlib.redirect_stdout(io.StringIO()):
        train_run(set_up(config, open_or_prepare(config.data)), folder / "run")
    return folder / "run", next(_headers(folder / "raw")).with_suffix("")


def _headers(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.rglob("*.hea")))


_kept: Any = tempfile.TemporaryDirectory(prefix="ecgmm-fuzz-")
