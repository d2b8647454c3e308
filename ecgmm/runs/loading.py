"""Loading a saved model, which may come from others: the method, its preparation and its vocabularies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ecgmm.building import construct
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import inside
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.runs.calibration import calibration_of_run
from ecgmm.runs.reading import CURE
from ecgmm.runs.saved_model import (
    MODEL,
    MODEL_FILE,
    STATEMENTS,
    TOKENISER,
    WEIGHTS,
    ModelFacts,
    Waveform,
    read_model_facts,
    read_part,
    read_weights,
    shapes_of_weights,
)
from ecgmm.settings import check_at
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.text.saved_vocabularies import statements_from, transformer_tokeniser_from, word_tokeniser_from
from ecgmm.text.tokenise import StatementVocabulary, TransformerTokeniser, WordTokeniser
from ecgmm.types import Batch, ModelOutput


@dataclass(frozen=True)
class SavedModel:
    """A trained method with all that it needs to predict.

    Attributes:
        method: The method, in evaluation mode.
        preparation: Device-side preparation of its waveforms.
        tokeniser: Tokeniser of its reports.
        statements: Vocabulary of the statements of its reports.
        facts: ``model.json``; the calibration of a run of an earlier version is made of its predictions.
    """

    method: Method
    preparation: WaveformPreparation
    tokeniser: WordTokeniser | TransformerTokeniser
    statements: StatementVocabulary
    facts: ModelFacts

    @torch.inference_mode()
    def __call__(self, batch: Batch) -> ModelOutput:
        """Output of the method for a batch as the loader delivers it: int16 waveforms ``[B, 12, T]``."""
        output: ModelOutput = self.method(self.prepared(batch))
        return output

    def prepared(self, batch: Batch) -> Batch:
        """The batch with the waveforms that the method sees, float32 without unit; as it is where it looks at none."""
        if not self.method.looks_at_waveforms:
            return batch
        return batch._replace(waveforms=self.preparation(batch.waveforms))


def load_model(run: Path) -> SavedModel:
    """Load the model of a run.

    Args:
        run: The run directory.

    Raises:
        DataError: If it holds no finished model, or a file of it is missing, damaged or does not fit.
    """
    folder = inside(run, MODEL)
    facts = read_model_facts(folder)
    path = inside(folder, MODEL_FILE)
    _check_self_contained(facts.method, path)
    _check_settings(facts, path)
    n_classes = facts.method.get("heads", facts.method).get("n_classes")
    if n_classes is not None and n_classes != len(facts.class_names):
        raise DataError(f"{printable(path)}: method.n_classes is not the number of class_names; {CURE}")
    tokeniser, statements = vocabularies_of(folder, facts)
    texts = texts_of(facts, tokeniser, statements)
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
    if facts.calibration is None:
        facts = facts.model_copy(update={"calibration": calibration_of_run(run)})
    return SavedModel(
        method.eval(), build_preparation(facts.store.plain(), facts.waveform), tokeniser, statements, facts
    )


def texts_of(
    facts: ModelFacts, tokeniser: WordTokeniser | TransformerTokeniser, statements: StatementVocabulary
) -> TextBank:
    """The words that a saved model is bound to."""
    heard = None if facts.heard_tokens is None else frozenset(facts.heard_tokens)
    classes = tuple(facts.class_names)
    return TextBank(classes, statements.statements, tokeniser, facts.max_tokens, facts.descriptions, heard)


def build_preparation(manifest: Mapping[str, Any], waveform: Waveform) -> WaveformPreparation:
    """Device-side preparation with the lead statistics of a store's training split and the settings ``waveform``.

    Args:
        manifest: Of the store, or the facts of it that a model keeps; with ``lead_covariance_mv2`` where lost leads are
            completed by what was learned.
        waveform: The settings.
    """
    mean_mv, std_mv = manifest["lead_mean_mv"], manifest["lead_std_mv"]
    completion = None
    if waveform.complete_leads != "none":
        from ecgmm.signal.completion import LeadCompletion  # only where leads are completed

        learned = manifest["lead_covariance_mv2"] if waveform.complete_leads == "learned" else None
        completion = LeadCompletion(mean_mv, std_mv, learned)
    return WaveformPreparation(
        lead_mean_mv=mean_mv,
        lead_std_mv=std_mv,
        uv_per_step=manifest["uv_per_step"],
        rate_hz=manifest["rate_hz"],
        limit_mv=waveform.limit_mv,
        highpass_hz=waveform.highpass_hz,
        completion=completion,
    )


def _check_settings(facts: ModelFacts, path: Path) -> None:
    """Refuse settings that training would refuse: unknown keys, wrong types, absurd sizes.

    Raises:
        DataError: Naming the first.
    """
    try:
        check_at("method", _as_trained(facts.method), "method")
        check_at("waveform", facts.waveform.plain(), "waveform")
        check_at("labels.name", facts.labels, "labels")
        check_at("text.policy", facts.text_policy, "text_policy")
        check_at("text.at_test", facts.text_at_test, "text_at_test")
        check_at("text.max_tokens", facts.max_tokens, "max_tokens")
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


def _built(facts: ModelFacts, texts: TextBank | None, path: Path) -> Method:
    """The method of ``model.json``, bound to its words where they are given."""
    try:
        method: Any = construct(facts.method)
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


def vocabularies_of(
    folder: Path, facts: ModelFacts
) -> tuple[WordTokeniser | TransformerTokeniser, StatementVocabulary]:
    """Read the tokeniser and the statement vocabulary of a model folder.

    Raises:
        DataError: If one of them is missing or damaged.
    """

    def part(name: str) -> bytes:
        return read_part(folder, facts, name)

    name = f"{TOKENISER}/tokenizer.json"
    tokeniser: WordTokeniser | TransformerTokeniser
    try:
        if facts.tokeniser == "WordTokeniser":
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
