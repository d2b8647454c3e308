"""The ``model/`` folder of a run: weights, settings, preparation and vocabulary: all that prediction needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ecgmm.building import construct
from ecgmm.data.batches.choices import ReportTokeniser
from ecgmm.data.batches.datamodule import EcgReportDataModule
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside
from ecgmm.models.architecture import saved_architecture
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.directory import without_folders
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import (
    MODEL_FILE,
    STATEMENTS,
    TOKENISER,
    WEIGHTS,
    read_model_facts,
    read_part,
    read_weights,
    shapes_of_weights,
    write_model,
)
from ecgmm.settings import check_at
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.text.saved_vocabularies import statements_from, transformer_tokeniser_from, word_tokeniser_from
from ecgmm.text.tokenise import StatementVocabulary
from ecgmm.training.task import DiagnosisTask

_READ_WITH = ("window.pad", "verify_checksums", "text.min_words")  # settings of the store that prediction repeats


def build_preparation(manifest: Mapping[str, Any], settings: Mapping[str, Any]) -> WaveformPreparation:
    """Device-side preparation with the statistics of a store's training split and the settings ``waveform``."""
    return WaveformPreparation(
        lead_mean_mv=manifest["lead_mean_mv"],
        lead_std_mv=manifest["lead_std_mv"],
        uv_per_step=manifest["uv_per_step"],
        rate_hz=manifest["rate_hz"],
        limit_mv=settings["limit_mv"],
        highpass_hz=settings["highpass_hz"],
    )


def save_model(folder: Path, task: DiagnosisTask, datamodule: EcgReportDataModule, config: dict[str, Any]) -> None:
    """Write the folder.

    Args:
        folder: ``<run>/model``.
        task: The trained task.
        datamodule: Gives vocabulary and the store's manifest.
        config: The resolved configuration.
    """
    folder.mkdir(exist_ok=True)
    datamodule.tokeniser.save(folder / TOKENISER)
    datamodule.statement_vocabulary.save(folder / STATEMENTS)
    manifest = datamodule.store.manifest
    facts = ("rate_hz", "n_times", "uv_per_step", "leads", "lead_mean_mv", "lead_std_mv")
    write_model(
        folder,
        {
            "task": config["task"]["name"],
            "class_names": list(task.class_names),
            "labels": config["labels"]["name"],
            "tokeniser": type(datamodule.tokeniser).__name__,
            "text_policy": config["text"]["policy"],
            "max_tokens": config["text"]["max_tokens"],
            "method": without_folders(_self_contained(config["method"], saved_architecture(task.method))),
            "waveform": config["waveform"],
            "store": {
                **{name: manifest[name] for name in facts},
                "parameters": {name: manifest["parameters"][name] for name in _READ_WITH},
            },
        },
        task.method.state_dict(),
    )


def _self_contained(settings: Any, architectures: Mapping[str, dict[str, Any]]) -> Any:
    """Settings in which a pre-trained model is described rather than named: its weights are saved with ours."""
    if isinstance(settings, list):
        return [_self_contained(part, architectures) for part in settings]
    if not isinstance(settings, dict):
        return settings
    found = {name: _self_contained(part, architectures) for name, part in settings.items()}
    if found.get("name_or_path") is not None and found.get("config") is None:
        found |= {"name_or_path": None, "config": architectures[found["name_or_path"]]}
    return found


def load_method(folder: Path) -> tuple[Method, WaveformPreparation, dict[str, Any]]:
    """Rebuild a trained method and its preparation.

    Args:
        folder: ``<run>/model``.

    Returns:
        The method in evaluation mode, its preparation, and the content of ``model.json``.

    Raises:
        DataError: If the folder is not a finished model, or a file of it is missing, damaged or does not fit.
    """
    facts = read_model_facts(folder)
    path = inside(folder, MODEL_FILE)
    _check_self_contained(facts["method"], path)
    check_settings_of_model(facts, path)
    n_classes = facts["method"].get("n_classes")
    if n_classes is not None and n_classes != len(facts["class_names"]):
        raise DataError(f"{printable(path)}: method.n_classes is not the number of class_names; {CURE}")
    tokeniser, vocabulary = load_vocabularies(folder, facts)
    texts = TextBank(tuple(facts["class_names"]), vocabulary.statements, tokeniser, facts["max_tokens"])
    unlike = DataError(f"{printable(folder / WEIGHTS)} does not fit its {MODEL_FILE}; {CURE}")
    with torch.device("meta"):  # takes no memory, whatever the settings ask for
        wanted = _shapes(_built(facts, None, path))
    saved = shapes_of_weights(folder)
    if not wanted.items() <= saved.items():
        raise unlike
    method = _built(facts, texts, path)
    if _shapes(method) != saved:
        raise unlike
    method.load_state_dict(read_weights(folder, facts))
    return method.eval(), build_preparation(facts["store"], facts["waveform"]), facts


def check_settings_of_model(facts: Mapping[str, Any], path: Path) -> None:
    """Refuse settings that training would refuse: unknown keys, wrong types, absurd sizes.

    Raises:
        DataError: Naming the first.
    """
    try:
        check_at("method", _as_trained(facts["method"]), "method")
        check_at("waveform", facts["waveform"], "waveform")
        for key, value in (
            ("labels.name", "labels"),
            ("text.policy", "text_policy"),
            ("text.max_tokens", "max_tokens"),
        ):
            check_at(key, facts[value], value)
    except ConfigError as error:
        raise DataError(f"{printable(path)}: {error}; {CURE}") from None


def _as_trained(settings: Any) -> Any:
    """Settings in which an architecture that was saved is named again, as training has it."""
    if isinstance(settings, list):
        return [_as_trained(part) for part in settings]
    if not isinstance(settings, dict):
        return settings
    config = settings.get("config")
    if isinstance(config, dict) and "_target_" not in config:
        settings = settings | {"name_or_path": str(config.get("model_type")), "config": None}
    return {name: _as_trained(part) for name, part in settings.items()}


def _shapes(method: Method) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in method.state_dict().items()}


def _built(facts: Mapping[str, Any], texts: TextBank | None, path: Path) -> Method:
    """The method of ``model.json``, bound to its words where they are given."""
    try:
        method: Any = construct(facts["method"])
        if not isinstance(method, Method):
            raise DataError(f"{printable(path)}: method names no method; {CURE}")
        if texts is not None:
            method.bind(texts)
    except DataError:
        raise
    except ConfigError as error:
        raise DataError(f"{printable(path)}: {error}") from None
    except Exception as error:  # settings of others can make a constructor raise anything
        what = printable(" ".join(str(error).split()), 80)
        raise DataError(
            f"{printable(path)} has settings that no method takes ({what}), perhaps of another version; {CURE}"
        ) from error
    return method


def _check_self_contained(settings: Any, path: Path) -> None:
    if isinstance(settings, list):
        for part in settings:
            _check_self_contained(part, path)
    elif isinstance(settings, dict):
        if settings.get("name_or_path") is not None:
            raise DataError(
                f"{printable(path)} names a pre-trained model ({printable(settings['name_or_path'], 60)}), which is not"
                " followed; models of this version describe it instead: train the run again with overwrite=true"
            )
        for part in settings.values():
            _check_self_contained(part, path)


def load_vocabularies(folder: Path, facts: Mapping[str, Any]) -> tuple[ReportTokeniser, StatementVocabulary]:
    """Read the tokeniser and the statement vocabulary of a model folder; ``facts`` is its ``model.json``.

    Raises:
        DataError: If one of them is missing or damaged.
    """

    def part(name: str) -> bytes:
        return read_part(folder, facts, name)

    name = f"{TOKENISER}/tokenizer.json"
    tokeniser: ReportTokeniser
    try:
        if facts["tokeniser"] == "WordTokeniser":
            tokeniser = word_tokeniser_from(part(name))
        else:
            name = f"{TOKENISER}/tokenizer_config.json"
            tokeniser = transformer_tokeniser_from(part(f"{TOKENISER}/tokenizer.json"), part(name))
        name = STATEMENTS
        return tokeniser, statements_from(part(name))
    except DataError:
        raise
    except (ValueError, RecursionError) as error:
        what = printable(error, 80)
        raise DataError(f"{printable(folder / name)} is damaged ({what}); {CURE}") from None
