"""Weights to begin with: those of a finished run or of a file, put into a method (setting ``init``)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ecgmm.data.store.store import Store
from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import file_sha256, inside
from ecgmm.models.encoders import PublishedEncoder
from ecgmm.models.method import Method
from ecgmm.models.text_bank import TextBank
from ecgmm.models.weight_matching import (
    Matching,
    match_weights,
    parts_with_weights,
    prefixes_to_try,
    put_weights,
)
from ecgmm.runs.facts import RUN, InitFacts, RunFacts, read_facts
from ecgmm.runs.loading import vocabularies_of
from ecgmm.runs.saved_model import MODEL, MODEL_FILE, WEIGHTS, ModelFacts, read_model_facts, read_weights
from ecgmm.runs.weight_files import read_weight_file
from ecgmm.training.given_names import kept_name, names_and_counts, say_names

log = logging.getLogger(__name__)
_ECG_ENCODER = "ecg_encoder"


@dataclass(frozen=True)
class InitialWeights:
    """A source of weights.

    Attributes:
        settings: The setting ``init``.
        source: Run directory or file.
        sha256: Of the file of weights.
        model: ``model.json`` of a run, and its sha256; None for a file.
        run: ``run.json`` of a run; None for a file.
    """

    settings: Mapping[str, Any]
    source: Path
    sha256: str
    model: tuple[ModelFacts, str] | None
    run: RunFacts | None

    @property
    def digested(self) -> dict[str, Any]:
        """All that decides what a run begins with, wherever the weights lie."""
        how = {name: value for name, value in self.settings.items() if name not in ("run", "weights")}
        return {**how, "sha256": self.sha256, "model": None if self.model is None else self.model[1]}

    def put_into(self, method: Method, texts: TextBank, store: Store) -> None:
        """Copy the weights into a method that was just built, freeze what is to be frozen, and print the names.

        Args:
            method: Bound to its words; draws no random number here.
            texts: The words.
            store: What the method will learn from.

        Raises:
            ConfigError: If the weights do not fit the method.
            DataError: If they are damaged, or others than they were when the run was set up.
        """
        if method.closed_form:
            raise ConfigError(f"method={method.name} is solved at once and begins with no weights; leave init as it is")
        matching, given = self._matched(method, texts, self._read())
        put_weights(method, given, matching.matched)
        method.given = matching
        parts = self.settings["parts"]
        if self.settings["freeze"]:
            _freeze(method, matching, parts)
        say_names(self.source, matching, method.state_dict(), given)
        if self.model is not None and self.run is not None:
            _warn_of_other_data(self.model[0].store.rate_hz, self.run, store)

    def _read(self) -> dict[str, Tensor]:
        if self.model is None:
            given = read_weight_file(self.source)
        else:
            given = read_weights(inside(self.source, MODEL), self.model[0])
        if _digest(self.source, self.model is not None) != self.sha256:
            raise DataError(f"{printable(self.source)} has changed since the run was set up; start it again")
        return given

    def _matched(
        self, method: Method, texts: TextBank, given: dict[str, Tensor]
    ) -> tuple[Matching, Mapping[str, Tensor]]:
        parts, prefix = self.settings["parts"], self.settings["prefix"]
        if self.model is not None:
            strange = _strange_parts(method, self.source, self.model[0], texts, parts)
            return match_weights(method, given, parts, [""], [""], strange), given
        strange = [part for part in (*method.class_parts, *method.finding_parts) if part not in (parts or ())]
        encoder = method._modules.get(_ECG_ENCODER)
        of_encoder = [part for part in parts or [_ECG_ENCODER] if part.partition(".")[0] == _ECG_ENCODER]
        if isinstance(encoder, PublishedEncoder) and of_encoder:
            ours = encoder.published_names(_without(prefix, given))
            return match_weights(method, ours, of_encoder, [""], [f"{_ECG_ENCODER}."], strange), ours
        places = ["", *(f"{part}." for part in parts or parts_with_weights(method))]
        prefixes = prefixes_to_try() if prefix is None else [prefix]
        return match_weights(method, given, parts, prefixes, places, strange), given

    def facts(self, method: Method) -> InitFacts:
        """What ``run.json`` says of the weights that a method began with."""
        assert method.given is not None
        return InitFacts(
            source="file" if self.model is None else "run",
            name=kept_name(self.source.resolve().name),
            sha256=self.sha256,
            data=None if self.run is None else self.run.data.fingerprint,
            frozen=self.settings["freeze"],
            **names_and_counts(method.given, method.state_dict()),
        )


def initial_weights(settings: Mapping[str, Any]) -> InitialWeights:
    """Look at the source of weights that the setting ``init`` names.

    Raises:
        ConfigError: If a file is none of weights by its ending.
        DataError: If a run is not finished, or a file cannot be read.
    """
    if settings["weights"] is not None:
        file = Path(settings["weights"])
        return InitialWeights(settings, file, _digest(file, is_run=False), None, None)
    directory = Path(settings["run"])
    facts = read_facts(directory) if inside(directory, RUN).exists() else None
    if facts is None:
        raise DataError(
            f"init.run={printable(directory)} holds no finished run; give the folder of one, such as"
            " outputs/train/default"
        )
    folder = inside(directory, MODEL)
    model = read_model_facts(folder), file_sha256(inside(folder, MODEL_FILE))
    return InitialWeights(settings, directory, _digest(directory, is_run=True), model, facts)


def _digest(source: Path, is_run: bool) -> str:
    try:
        return file_sha256(inside(inside(source, MODEL), WEIGHTS) if is_run else source)
    except OSError as error:
        key = "init.run" if is_run else "init.weights"
        raise DataError(f"{key}={printable(source)} cannot be read ({error.strerror})") from None


def _without(prefix: str | None, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = prefix or ""
    return {name.removeprefix(start): tensor for name, tensor in given.items() if name.startswith(start)}


def _strange_parts(
    method: Method, source: Path, model: ModelFacts, texts: TextBank, parts: Sequence[str] | None
) -> list[str]:
    """Parts of the method that mean something else than they meant in a run: other classes, other findings.

    Raises:
        ConfigError: If a part that is to have weights reads words by their number, and the numbers are others.
    """
    tokeniser, statements = vocabularies_of(inside(source, MODEL), model)
    readers = [name for name in parts or parts_with_weights(method) if _reads_words(method, name)]
    if readers and tokeniser.words != texts.tokeniser.words:
        others = [name for name in parts or parts_with_weights(method) if name not in readers]
        raise ConfigError(
            f"{', '.join(readers)} cannot take weights of {printable(source)}, whose reports were read with another"
            f" vocabulary; name the other parts: init.parts=[{','.join(others)}]"
        )
    strange = [] if tuple(model.class_names) == texts.class_names else list(method.class_parts)
    return strange + ([] if statements.statements == texts.statements else list(method.finding_parts))


def _reads_words(method: Method, part: str) -> bool:
    module = dict(method.named_modules()).get(part)
    return (
        module is not None
        and not part.startswith(_ECG_ENCODER)
        and any(isinstance(one, nn.Embedding) for one in module.modules())
    )


def _freeze(method: Method, matching: Matching, parts: Sequence[str] | None) -> None:
    """Freeze what has weights now: the parts that were named, else each that the source has.

    Raises:
        ConfigError: If a part has weights in parts only, or nothing is left to learn.
    """
    found = list(dict.fromkeys(name.partition(".")[0] for name in matching.matched)) if parts is None else list(parts)
    partly = [part for part in found if not matching.is_whole(part)]
    if partly:
        kept_random = next(name for name in (*matching.missing, *matching.new) if name.startswith(partly[0]))
        raise ConfigError(
            f"init.freeze=true would freeze random weights: {partly[0]} is given in parts only, without"
            f" {kept_random}; name whole parts with init.parts"
        )
    method.freeze(found)
    if not any(parameter.requires_grad for parameter in method.parameters()):
        raise ConfigError(
            "init.freeze=true leaves nothing to learn; name fewer parts, such as init.parts=[ecg_encoder]"
        )


def _warn_of_other_data(rate_hz: float, run: RunFacts, store: Store) -> None:
    manifest = store.manifest
    if rate_hz != manifest["rate_hz"]:
        log.warning("the given weights learnt at %g Hz, and this store has %g Hz", rate_hz, manifest["rate_hz"])
    if run.data.name == manifest["source"]["name"] and run.data.fingerprint != store.fingerprint:
        log.warning(
            "the given weights learnt from another store of %s: records that are tested here may be among theirs",
            printable(run.data.name),
        )
    if run.leaky:
        log.warning("the given weights come from a run whose text gave its labels away")
