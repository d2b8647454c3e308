"""Files of weights that others made: safetensors, or torch's own format, of which nothing but tensors is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ecgmm.errors import ConfigError, DataError, printable
from ecgmm.files import open_regular

TORCH = (".pt", ".pth", ".ckpt", ".bin")
_STATES = ("state_dict", "model_state_dict", "model")


def read_weight_file(path: Path) -> dict[str, Tensor]:
    """All tensors of a file by name, on the CPU.

    A state dict may be the whole of a torch file or stand in it as ``state_dict``, ``model_state_dict`` or ``model``.

    Raises:
        ConfigError: If the file has another ending.
        DataError: If it is missing, no regular file, damaged, holds no weights, or some that are not finite.
    """
    if path.suffix not in (".safetensors", *TORCH):
        raise ConfigError(
            f"init.weights={printable(path)} is no file of weights by its ending; give .safetensors or one of"
            f" {', '.join(TORCH)}"
        )
    try:
        open_regular(path).close()
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read ({error.strerror}); see init.weights") from None
    weights = _of_safetensors(path) if path.suffix == ".safetensors" else _of_torch(path)
    if not weights:
        raise DataError(f"{printable(path)} holds no weights by name; give a file with a state dict")
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise DataError(f"{printable(path)} holds weights that are not finite ({printable(name, 80)})")
    return weights


def _of_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError:
        raise DataError(f"{printable(path)} is damaged: it holds no weights; fetch it again") from None


def _of_torch(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged or a foreign file makes torch raise has no common class
        raise DataError(
            f"{printable(path)} is damaged, or holds more than weights, which is never run ({_first_words(error)});"
            " save its state dict alone where you trust it"
        ) from None
    return {name: tensor for name, tensor in _state_of(content).items() if isinstance(tensor, Tensor)}


def _state_of(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        return {}
    state = next((content[name] for name in _STATES if isinstance(content.get(name), Mapping)), content)
    return {name: value for name, value in state.items() if isinstance(name, str)}


def _first_words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return printable(lines[0] if lines else type(error).__name__, 80)
