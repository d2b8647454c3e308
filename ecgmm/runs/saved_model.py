"""The ``model/`` folder as files: what ``model.json`` says, and that the files beside it are as they were saved.

Nothing in it is run, no path in it is followed, and nothing is asked of a network; ``loading`` builds the method.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import AfterValidator, Field
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from ecgmm.errors import DataError, printable
from ecgmm.files import inside, open_regular, write_json, write_whole
from ecgmm.leads import LEADS, CompleteLeads
from ecgmm.runs.calibration import Calibration
from ecgmm.runs.facts import Task
from ecgmm.runs.reading import (
    AS_GIVEN,
    CURE,
    Classes,
    Count,
    Number,
    Schema,
    Written,
    changed,
    json_of,
    read_file,
    refused,
    written,
)
from ecgmm.settings.renamed import with_present_names

MODEL, MODEL_FILE, WEIGHTS = "model", "model.json", "model.safetensors"
STATEMENTS, TOKENISER = "statements.json", "tokeniser"
SCHEMA_VERSION = 2

_MOST_JSON_BYTES = 64 << 20
_NEEDED = (MODEL_FILE, WEIGHTS, STATEMENTS, f"{TOKENISER}/tokenizer.json")
_LeadValues = Annotated[list[Number], Field(min_length=len(LEADS), max_length=len(LEADS))]
_Covariances = Annotated[
    list[Annotated[float, Field(ge=-1e6, le=1e6), AS_GIVEN]], Field(min_length=len(LEADS), max_length=len(LEADS))
]
_LeadCovariance = Annotated[list[_Covariances], Field(min_length=len(LEADS), max_length=len(LEADS))]


def _standard(leads: list[str]) -> list[str]:
    if leads != list(LEADS):
        raise ValueError(f"it should be {', '.join(LEADS)}")
    return leads


class Waveform(Schema):
    """The settings ``waveform``: how waveforms are prepared on the device."""

    limit_mv: Annotated[float, Field(gt=0, le=1e6), AS_GIVEN]
    highpass_hz: Annotated[float, Field(gt=0), AS_GIVEN] | None
    complete_leads: CompleteLeads = "none"


class ReadWith(Schema):
    """The settings of a store that are repeated where a single record is read."""

    pad: Literal["zero", "edge"] = Field(default="zero", alias="window.pad")
    verify_checksums: bool = True
    min_words: Annotated[int, Field(ge=0, le=10_000)] = Field(default=1, alias="text.min_words")


class Signal(Schema):
    """The facts of a store that a model depends on: rate, window, scale and lead statistics.

    ``lead_covariance_mv2`` is there for ``waveform.complete_leads=learned`` only.
    """

    rate_hz: Annotated[float, Field(ge=1, le=100_000), AS_GIVEN]
    n_times: Annotated[int, Field(ge=1, le=1_000_000)]
    uv_per_step: Annotated[float, Field(gt=0, le=1e6), AS_GIVEN]
    leads: Annotated[list[str], AfterValidator(_standard)]
    lead_mean_mv: _LeadValues
    lead_std_mv: Annotated[
        list[Annotated[float, Field(ge=0), AS_GIVEN]], Field(min_length=len(LEADS), max_length=len(LEADS))
    ]
    parameters: ReadWith = Field(default_factory=ReadWith)
    lead_covariance_mv2: _LeadCovariance | None = None

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """From the manifest of a store, to which the covariance may have been added."""
        keys = [field.alias or name for name, field in ReadWith.model_fields.items()]
        parameters = {key: manifest["parameters"][key] for key in keys}
        facts = {name: manifest[name] for name in cls.model_fields if name != "parameters" and name in manifest}
        return cls(**facts, parameters=ReadWith.model_validate(parameters))


class ModelFacts(Schema):
    """``model.json``; ``masked_phrases`` and ``descriptions`` are those of the user's own labels.

    ``doubtful_above`` is the inconsistency from which on report and waveform are said to disagree, see ``Metrics``.
    ``heard_tokens`` are the token ids that training reports hold. It and ``calibration`` are None in models of earlier
    versions.
    """

    schema_version: int = SCHEMA_VERSION
    task: Task
    class_names: Classes
    labels: str
    masked_phrases: list[str] = Field(default_factory=list)
    descriptions: dict[str, list[str]] = Field(default_factory=dict)
    heard_tokens: list[Count] | None = None
    tokeniser: Literal["WordTokeniser", "TransformerTokeniser"]
    text_policy: str
    text_at_test: str = "report"
    max_tokens: Annotated[int, Field(ge=1, le=65_536)]
    doubtful_above: Number | None = None
    calibration: Calibration | None = None
    method: dict[str, Any]
    waveform: Waveform
    store: Signal
    files: dict[str, Written] = Field(default_factory=dict)


def write_model(folder: Path, facts: ModelFacts, weights: Mapping[str, Tensor]) -> None:
    """Write weights and ``model.json``, which remembers all files of the folder.

    Args:
        folder: ``<run>/model``, in which the vocabularies are already.
        facts: ``model.json`` without the digests of files.
        weights: The method's state.
    """
    write_whole(folder / WEIGHTS, save({name: tensor.contiguous() for name, tensor in weights.items()}))
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = written(folder, [name for name in names if name != MODEL_FILE])
    content = {"schema_version": SCHEMA_VERSION, **facts.model_copy(update={"files": files}).plain()}
    write_json(folder / MODEL_FILE, {**content, "sha256": _digest(content)})


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_model_facts(folder: Path) -> ModelFacts:
    """``model.json``.

    Raises:
        DataError: If there is none, or it is not what a run wrote.
    """
    path = inside(folder, MODEL_FILE)
    if not path.exists():
        raise DataError(
            f"{printable(folder)} holds no model; name the folder of a finished run, such as outputs/train/default"
        )
    content = json_of(path, read_file(folder, MODEL_FILE, _MOST_JSON_BYTES))
    digest = content.pop("sha256", None)
    if digest is not None and digest != _digest(content):
        raise changed(path)
    if content.get("schema_version") != SCHEMA_VERSION:
        version = printable(content.get("schema_version"))
        raise DataError(
            f"{printable(path)} has schema_version {version} and this program reads {SCHEMA_VERSION};"
            " train the run again with overwrite=true"
        )
    facts = ModelFacts.read({**content, "method": with_present_names(content.get("method"))}, path)
    highpass_hz, rate_hz = facts.waveform.highpass_hz, facts.store.rate_hz
    if highpass_hz is not None and highpass_hz >= rate_hz / 2:
        raise DataError(
            f"{printable(path)}: waveform.highpass_hz is {highpass_hz:g} and must be below half of store.rate_hz,"
            f" {rate_hz:g}; {CURE}"
        )
    if facts.calibration is not None and not facts.calibration.fits(len(facts.class_names)):
        raise DataError(f"{printable(path)}: calibration does not fit class_names; {CURE}")
    if facts.waveform.complete_leads == "learned" and facts.store.lead_covariance_mv2 is None:
        raise DataError(
            f"{printable(path)}: store.lead_covariance_mv2 is missing, from which leads are completed; {CURE}"
        )
    return facts


def read_part(folder: Path, facts: ModelFacts, name: str) -> bytes:
    """A file of the folder other than the weights, as it was written.

    Raises:
        DataError: If it is missing or another one.
    """
    return read_file(folder, name, _MOST_JSON_BYTES, facts.files)


def shapes_of_weights(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor in the file of weights, by its name.

    Raises:
        DataError: If it holds none.
    """
    path = inside(folder, WEIGHTS)
    try:
        open_regular(path).close()
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except OSError as error:
        raise refused(path, error) from None
    except SafetensorError:
        raise DataError(f"{printable(path)} is damaged: it holds no weights; {CURE}") from None


def read_weights(folder: Path, facts: ModelFacts) -> dict[str, Tensor]:
    """All tensors of the file of weights, on the CPU.

    Raises:
        DataError: If they are not those that were saved, or not finite.
    """
    path = inside(folder, WEIGHTS)
    known = facts.files.get(WEIGHTS)
    if known is not None and written(folder, [WEIGHTS]).get(WEIGHTS) != known:
        raise changed(path)
    weights = load_file(path)
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise DataError(f"{printable(path)} holds weights that are not finite ({printable(name)}); {CURE}")
    return weights


def model_is_whole(folder: Path) -> None:
    """Make sure that all files of the folder are there, of their size; digests are for those who read them.

    Raises:
        DataError: If one is not.
    """
    known = read_model_facts(folder).files
    for name in (*_NEEDED, *known):
        path = inside(folder, *name.split("/"))
        if not path.is_file() or (name in known and path.stat().st_size != known[name].bytes):
            raise DataError(f"{printable(path)} of a finished run is missing or damaged; {CURE}")
