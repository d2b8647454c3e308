"""The ``model/`` folder of a run: weights, settings, preparation and vocabulary: all that prediction needs."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from ecgmm.building import construct
from ecgmm.data.datamodule import EcgReportDataModule, ReportTokeniser
from ecgmm.errors import DataError
from ecgmm.files import read_json, write_json
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.text.tokenise import StatementVocabulary, TransformerTokeniser, WordTokeniser
from ecgmm.training.task import DiagnosisTask

SCHEMA_VERSION = 1
_READ_WITH = ("window.pad", "verify_checksums", "text.min_words")  # settings of the store that prediction repeats


def build_method(config: dict[str, Any], texts: TextBank) -> Method:
    """Build the method of a resolved configuration, with fresh weights from torch's global generator, and bind it."""
    method: Method = construct(config["method"])
    method.bind(texts)
    return method


def build_preparation(manifest: dict[str, Any], settings: dict[str, Any]) -> WaveformPreparation:
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
    weights = {name: tensor.contiguous() for name, tensor in task.method.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    datamodule.tokeniser.save(folder / "tokeniser")
    datamodule.statement_vocabulary.save(folder / "statements.json")
    manifest = datamodule.store.manifest
    facts = ("rate_hz", "n_times", "uv_per_step", "leads", "lead_mean_mv", "lead_std_mv")
    write_json(
        folder / "model.json",
        {
            "schema_version": SCHEMA_VERSION,
            "task": config["task"]["name"],
            "class_names": list(task.class_names),
            "labels": config["labels"]["name"],
            "tokeniser": type(datamodule.tokeniser).__name__,
            "text_policy": config["text"]["policy"],
            "max_tokens": config["text"]["max_tokens"],
            "method": config["method"],
            "waveform": config["waveform"],
            "store": {
                **{name: manifest[name] for name in facts},
                "parameters": {name: manifest["parameters"][name] for name in _READ_WITH},
            },
        },
    )


def load_method(folder: Path) -> tuple[Method, WaveformPreparation, dict[str, Any]]:
    """Rebuild a trained method and its preparation.

    Args:
        folder: ``<run>/model``.

    Returns:
        The method in evaluation mode, its preparation, and the content of ``model.json``.

    Raises:
        DataError: If the folder is not a finished model or its weights do not fit its settings.
    """
    if not (folder / "model.json").exists():
        raise DataError(f"{folder} holds no model; name the folder of a finished run, such as outputs/train/default")
    facts = read_json(folder / "model.json", "train the run again")
    tokeniser, vocabulary = load_vocabularies(folder, facts)
    texts = TextBank(tuple(facts["class_names"]), vocabulary.statements, tokeniser, facts["max_tokens"])
    try:
        method = build_method(facts, texts)
    except TypeError as error:  # an argument that is missing or unknown
        raise DataError(f"{folder}/model.json has settings of another version; train the run again") from error
    try:
        method.load_state_dict(load_file(folder / "model.safetensors"))
    except RuntimeError as error:
        raise DataError(f"{folder}/model.safetensors does not fit its model.json; train the run again") from error
    return method.eval(), build_preparation(facts["store"], facts["waveform"]), facts


def load_vocabularies(folder: Path, facts: dict[str, Any]) -> tuple[ReportTokeniser, StatementVocabulary]:
    """Read the tokeniser and the statement vocabulary of a model folder; ``facts`` is its ``model.json``."""
    kind: type[WordTokeniser] | type[TransformerTokeniser]
    kind = WordTokeniser if facts["tokeniser"] == "WordTokeniser" else TransformerTokeniser
    return kind.load(folder / "tokeniser"), StatementVocabulary.load(folder / "statements.json")
