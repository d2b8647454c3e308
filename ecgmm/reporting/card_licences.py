"""Licences that bind whoever passes a model on: of the data set, and of weights that it began with."""

import csv
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.sources.source import flatten
from ecgmm.runs.run import Run

_FILE = Path(__file__).with_name("licences.csv")


def licence_of_data(name: str) -> tuple[str, str]:
    """Licence of a source and what to cite; both say so where the program does not know."""
    published = OmegaConf.load(CONF_DIR / "download.yaml").sources.get(name)
    if published is not None:
        return str(published.licence), str(published.cite)
    return _known("data").get(
        name, "not known to the program; ask whoever gave you the data"
    ), "see the data's own page"


def licences_of_weights(run: Run) -> list[str]:
    """A sentence for each set of weights that training began with."""
    sentences = []
    method: Any = OmegaConf.to_container(run.config.method)
    named = {str(value) for key, value in flatten(method).items() if key.endswith("name_or_path") and value}
    for name in sorted(named):
        licence = _known("weights").get(name.rpartition("/")[2], "its licence is not known to the program")
        sentences.append(f"Pre-trained {name}: {licence}.")
    init = run.facts.init
    if init is not None:
        origin = "a finished run" if init.source == "run" else "a file"
        sentences.append(
            f"Began with {init.n_matched:,} of {init.n_weights:,} weights of {origin}, {init.name} (SHA-256"
            f" {init.sha256[:12]}{', kept frozen' if init.frozen else ''}): the terms of whoever published it apply."
        )
    return sentences or ["Trained from random weights: no licence of others' weights applies."]


def _known(kind: str) -> dict[str, str]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["licence"] for row in csv.DictReader(file) if row["kind"] == kind}
