"""Saving a trained method: all that prediction needs, in the ``model/`` folder of its run."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ecgmm.models.architecture import saved_architecture
from ecgmm.models.method import Method
from ecgmm.runs.directory import without_folders
from ecgmm.runs.saved_model import STATEMENTS, TOKENISER, ModelFacts, write_model

log = logging.getLogger(__name__)


class Vocabulary(Protocol):
    """A tokeniser, or the statements that are known."""

    def save(self, path: Path) -> None:
        """Write what is needed to load it again."""


def save_model(folder: Path, method: Method, vocabularies: tuple[Vocabulary, Vocabulary], facts: ModelFacts) -> None:
    """Write the folder.

    Args:
        folder: ``<run>/model``.
        method: The trained method.
        vocabularies: Tokeniser of the reports, and the vocabulary of their statements.
        facts: ``model.json``, in which the method may still name pre-trained models; they are described instead.
    """
    tokeniser, statements = vocabularies
    folder.mkdir(exist_ok=True)
    tokeniser.save(folder / TOKENISER)
    statements.save(folder / STATEMENTS)
    described, weights = _self_contained(facts.method, saved_architecture(method)), method.state_dict()
    write_model(folder, facts.model_copy(update={"method": without_folders(described)}), weights)
    if described != facts.method:
        size_mb = sum(tensor.nbytes for tensor in weights.values()) / 1e6
        log.info("%s holds the pre-trained model too, %.1f MB in all: it is not needed elsewhere", folder, size_mb)


def _self_contained(settings: Any, architectures: Mapping[str, Mapping[str, Any]]) -> Any:
    """Settings in which a pre-trained model is described rather than named: its weights are saved with ours."""
    if isinstance(settings, list):
        return [_self_contained(part, architectures) for part in settings]
    if not isinstance(settings, dict):
        return settings
    described = {name: _self_contained(part, architectures) for name, part in settings.items()}
    if described.get("name_or_path") is not None and described.get("config") is None:
        described |= {"name_or_path": None, "config": architectures[described["name_or_path"]]}
    return described
