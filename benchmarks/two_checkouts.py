"""Whether two checkouts of ecgmm train the same models: ``python -m benchmarks.two_checkouts OLD NEW``.

Trains a quick run of every method with the code of each checkout, in the same interpreter and on synthetic data (with
``--ptb-xl FOLDER`` on a PTB-XL tree as well), and compares history, metrics, predictions and weights byte by byte. One
line a run says ``identical`` or what differs; the exit status is 1 if anything does. Started again, it goes on with
what is missing: a checkout whose code has changed has a folder of its own.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from safetensors.numpy import load_file

QUICK = (
    *("recipe=quick", "trainer.max_epochs=2", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false"),
    *("logger=none", "evaluation.n_resamples=50"),
)
SYNTHETIC = ("data.n_patients=120",)
FILES = ("history.csv", "metrics.json", "predictions.parquet", "model/model.safetensors")
_CODE = ("ecgmm/**/*", "conf/**/*.yaml", "hydra_plugins/**/*.py")


def main() -> None:
    """Train what is missing, compare, print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, help="folder of a checkout")
    parser.add_argument("new", type=Path, help="folder of another checkout")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="only these; by default all that OLD has")
    parser.add_argument("--ptb-xl", type=Path, metavar="FOLDER", help="a PTB-XL tree, for two runs on it")
    parser.add_argument("--work", type=Path, default=Path("two_checkouts"), help="folder for stores and runs")
    arguments = parser.parse_args()
    checkouts = [folder.resolve() for folder in (arguments.old, arguments.new)]
    works = [arguments.work.resolve() / code_digest(checkout) for checkout in checkouts]
    n_differ = 0
    for name, overrides in runs(methods_of(checkouts[0]), arguments.methods, arguments.ptb_xl):
        old, new = (train(*sides, name, overrides) for sides in zip(checkouts, works, strict=True))
        said = differences(old, new) if old and new else [f"a run failed; {name}.log in {arguments.work} says why"]
        n_differ += bool(said)
        print(f"{name:<40} {'; '.join(said) or 'identical'}", flush=True)
    sys.exit(min(n_differ, 1))


def methods_of(checkout: Path) -> list[str]:
    """Names of the methods that a checkout has."""
    return sorted(path.stem for path in (checkout / "conf" / "method").glob("*.yaml"))


def runs(
    methods: Sequence[str], wanted: Sequence[str] | None, ptb_xl: Path | None
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and overrides of each run; those of two stages and on PTB-XL belong to a method too."""
    chosen: list[tuple[str, tuple[str, ...]]]
    chosen = [(method, (f"method={method}", *SYNTHETIC)) for method in methods]
    chosen.append(("fg_clep-two_stages", ("method=fg_clep", "stages=two", *SYNTHETIC)))
    if ptb_xl is not None:
        tree = ("data=ptb_xl", f"data.root='{ptb_xl.resolve()}'", "data.rate_hz=100", "task=multilabel")
        chosen.append(("gated_fusion-ptb_xl-multilabel", ("method=gated_fusion", *tree)))
        chosen.append(("concat-ptb_xl-masked", ("method=concat", "text.policy=masked", *tree)))
    for name, overrides in chosen:
        if wanted is None or name.partition("-")[0] in wanted:
            yield name, (*QUICK, *overrides, f"name={name}")


def code_digest(checkout: Path) -> str:
    """Digest of everything in a checkout that a training run may depend on."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _CODE for path in checkout.glob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(checkout)} {len(content)} ".encode() + content)
    return digest.hexdigest()[:12]


def train(checkout: Path, work: Path, name: str, overrides: Sequence[str]) -> Path | None:
    """Train a run with the code of a checkout unless it is finished; its directory, or None if it failed."""
    if (finished := _finished(work, name)) is not None:
        return finished
    work.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
    log = work / f"{name}.log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "ecgmm.train", *overrides]
        subprocess.run(command, cwd=work, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    return _finished(work, name)


def _finished(work: Path, name: str) -> Path | None:
    for facts in work.glob(f"outputs/{name}/*/run.json"):
        if json.loads(facts.read_text()).get("finished"):
            return facts.parent
    return None


def differences(old: Path, new: Path) -> list[str]:
    """What differs between two run directories, one text for each file; nothing if all bytes are the same."""
    said = []
    for name in FILES:
        paths = (old / name, new / name)
        if [path.exists() for path in paths] != [True, True]:
            said += [] if not any(path.exists() for path in paths) else [f"{name} stands in one of the two only"]
        elif paths[0].read_bytes() != paths[1].read_bytes():
            parts = [_parts(path) for path in paths]
            said.append(f"{name}: {changes(*parts) or 'other bytes, equal content'}")
    return said


def _parts(path: Path) -> dict[str, Any]:
    """Content of a file in comparable parts: values of nested keys, columns, or tensors, by name."""
    if path.suffix == ".json":
        return dict(_flat(json.loads(path.read_text())))
    if path.suffix == ".safetensors":
        return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in load_file(path).items()}
    frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    return {column.name: (str(column.dtype), column.to_list()) for column in frame}


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", repr(value)  # so that NaN equals NaN


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What was added, is missing or has another value, in words; empty if nothing."""
    kinds = {
        "added": [name for name in new if name not in old],
        "missing": [name for name in old if name not in new],
        "changed": [name for name in old if name in new and repr(old[name]) != repr(new[name])],
    }
    return ", ".join(f"{len(names)} {kind} ({names[0]} …)" for kind, names in kinds.items() if names)


if __name__ == "__main__":
    main()
