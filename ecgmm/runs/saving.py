"""Saving a trained method: all that prediction needs, in the ``model/`` folder of its run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ecgmm.models.architecture import saved_architecture
from ecgmm.models.method import Method
from ecgmm.runs.directory import without_folders
from ecgmm.runs.saved_model import STATEMENTS, TOKENISER, ModelFacts, Signal, Waveform, write_model


class Vocabulary(Protocol):
    """A tokeniser, or the statements that are known."""

    def save(self, path: Path) -> None:
        """Write what is needed to load it again."""


def save_model(
    folder: Path,
    method: Method,
    class_names: Sequence[str],
    vocabularies: tuple[Vocabulary, Vocabulary],
    manifest: Mapping[str, Any],
    config: Mapping[str, Any],
) -> None:
    """Write the folder.

    Args:
        folder: ``<run>/model``.
        method: The trained method.
        class_names: The K classes.
        vocabularies: Tokeniser of the reports, and the vocabulary of their statements.
        manifest: Of the store that it was trained on.
        config: The resolved configuration.
    """
    tokeniser, statements = vocabularies
    folder.mkdir(exist_ok=True)
    tokeniser.save(folder / TOKENISER)
    statements.save(folder / STATEMENTS)
    facts = ModelFacts.model_validate(
        {
            "task": config["task"]["name"],
            "class_names": list(class_names),
            "labels": config["labels"]["name"],
            "tokeniser": type(tokeniser).__name__,
            "text_policy": config["text"]["policy"],
            "max_tokens": config["text"]["max_tokens"],
            "method": without_folders(_self_contained(config["method"], saved_architecture(method))),
            "waveform": Waveform.model_validate(config["waveform"]),
            "store": Signal.of(manifest),
        }
    )
    write_model(folder, facts, method.state_dict())


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
