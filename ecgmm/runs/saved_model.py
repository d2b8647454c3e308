"""The ``model/`` folder as files: what ``model.json`` must say, and that the files beside it are as they were saved.

Nothing in it is run, no path in it is followed, and nothing is asked of a network.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import torch
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, with_config
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor
from typing_extensions import TypedDict  # pydantic takes that of typing from Python 3.12 on

from ecgmm.errors import DataError, printable
from ecgmm.files import inside, open_regular, write_json, write_whole
from ecgmm.leads import LEADS
from ecgmm.runs.facts import Classes, Task
from ecgmm.runs.reading import CURE, Written, changed, check_form, json_of, read_file, refused, written

MODEL, MODEL_FILE, WEIGHTS, STATEMENTS, TOKENISER = (
    "model",
    "model.json",
    "model.safetensors",
    "statements.json",
    "tokeniser",
)
SCHEMA_VERSION = 2

_MOST_JSON_BYTES = 64 << 20
_NEEDED = (MODEL_FILE, WEIGHTS, STATEMENTS, f"{TOKENISER}/tokenizer.json")
_form = with_config(ConfigDict(strict=True, extra="allow"))
_LeadValues = Annotated[list[float], Field(min_length=len(LEADS), max_length=len(LEADS))]


@_form
class Waveform(TypedDict):
    """The settings of the preparation."""

    limit_mv: Annotated[float, Field(gt=0, le=1e6)]
    highpass_hz: Annotated[float, Field(gt=0)] | None


ReadWith = TypedDict(
    "ReadWith",
    {
        "window.pad": Literal["zero", "edge"],
        "verify_checksums": bool,
        "text.min_words": Annotated[int, Field(ge=0, le=10_000)],
    },
)
"""The settings of the store that prediction repeats."""
_form(ReadWith)


def _standard(leads: list[str]) -> list[str]:
    if leads != list(LEADS):
        raise ValueError(f"it should be {', '.join(LEADS)}")
    return leads


@_form
class StoreFacts(TypedDict):
    """The facts of the store that the model was trained on."""

    rate_hz: Annotated[float, Field(ge=1, le=100_000)]
    n_times: Annotated[int, Field(ge=1, le=1_000_000)]
    uv_per_step: Annotated[float, Field(gt=0, le=1e6)]
    leads: Annotated[list[str], AfterValidator(_standard)]
    lead_mean_mv: _LeadValues
    lead_std_mv: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=len(LEADS), max_length=len(LEADS))]
    parameters: NotRequired[ReadWith]


@_form
class ModelFacts(TypedDict):
    """The fields of ``model.json``."""

    schema_version: int
    task: Task
    class_names: Classes
    labels: str
    tokeniser: Literal["WordTokeniser", "TransformerTokeniser"]
    text_policy: str
    max_tokens: Annotated[int, Field(ge=1, le=65_536)]
    method: dict[str, Any]
    waveform: Waveform
    store: StoreFacts
    files: NotRequired[dict[str, Written]]


_MODEL_FACTS = TypeAdapter(ModelFacts)


def write_model(folder: Path, facts: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Write weights and ``model.json``, which remembers all files of the folder.

    Args:
        folder: ``<run>/model``, in which the vocabularies are already.
        facts: The fields of ``ModelFacts`` but ``schema_version`` and ``files``.
        weights: The method's state.
    """
    write_whole(folder / WEIGHTS, save({name: tensor.contiguous() for name, tensor in weights.items()}))
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = written(folder, [name for name in names if name != MODEL_FILE])
    content = {"schema_version": SCHEMA_VERSION, **facts, "files": files}
    write_json(folder / MODEL_FILE, {**content, "sha256": _digest(content)})


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_model_facts(folder: Path) -> dict[str, Any]:
    """``model.json``.

    Raises:
        DataError: If there is none, or it is not what a run wrote.
    """
    path = inside(folder, MODEL_FILE)
    if not path.exists():
        raise DataError(
            f"{printable(folder)} holds no model; name the folder of a finished run, such as outputs/train/default"
        )
    found = json_of(path, read_file(folder, MODEL_FILE, _MOST_JSON_BYTES))
    digest = found.pop("sha256", None)
    if digest is not None and digest != _digest(found):
        raise changed(path)
    if found.get("schema_version") != SCHEMA_VERSION:
        version = printable(found.get("schema_version"))
        raise DataError(
            f"{printable(path)} has schema_version {version} and this program reads {SCHEMA_VERSION};"
            " train the run again with overwrite=true"
        )
    check_form(found, _MODEL_FACTS, path)
    _check_signal(found, path)
    return found


def _check_signal(found: Mapping[str, Any], path: Path) -> None:
    store, highpass_hz = found["store"], found["waveform"]["highpass_hz"]
    if store["leads"] != list(LEADS):
        raise DataError(f"{printable(path)}: store.leads are not {', '.join(LEADS)}; {CURE}")
    if highpass_hz is not None and highpass_hz >= store["rate_hz"] / 2:
        raise DataError(
            f"{printable(path)}: waveform.highpass_hz is {highpass_hz:g} and must be below half of store.rate_hz,"
            f" {store['rate_hz']:g}; {CURE}"
        )


def read_part(folder: Path, facts: Mapping[str, Any], name: str) -> bytes:
    """A file of the folder other than the weights, as it was written.

    Raises:
        DataError: If it is missing or another one.
    """
    return read_file(folder, name, _MOST_JSON_BYTES, facts.get("files"))


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


def read_weights(folder: Path, facts: Mapping[str, Any]) -> dict[str, Tensor]:
    """All tensors of the file of weights, on the CPU.

    Raises:
        DataError: If they are not those that were saved, or not finite.
    """
    path = inside(folder, WEIGHTS)
    known = facts.get("files", {}).get(WEIGHTS)
    if known is not None and written(folder, [WEIGHTS]).get(WEIGHTS) != known:
        raise changed(path)
    found = load_file(path)
    for name, tensor in found.items():
        if not torch.isfinite(tensor).all():
            raise DataError(f"{printable(path)} holds weights that are not finite ({printable(name)}); {CURE}")
    return found


def model_is_whole(folder: Path) -> None:
    """Make sure that all files of the folder are there, of their size; digests are for those who read them.

    Raises:
        DataError: If one is not.
    """
    known = read_model_facts(folder).get("files", {})
    for name in (*_NEEDED, *known):
        path = inside(folder, *name.split("/"))
        if not path.is_file() or (name in known and path.stat().st_size != known[name]["bytes"]):
            raise DataError(f"{printable(path)} of a finished run is missing or damaged; {CURE}")
