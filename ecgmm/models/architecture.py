"""Architectures of the ``transformers`` library as plain data, so that a saved model needs neither hub nor folder."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from ecgmm.errors import ConfigError, printable

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_ATTENTION = (None, "eager", "sdpa")
# Names of code, of kernels and of where weights come from.
_NOT_DATA = ("auto_map", "attn_implementation", "experts_implementation", "quantization_config", "name_or_path")


def saved_architecture(model: nn.Module) -> dict[str, dict[str, Any]]:
    """The architecture of each pre-trained model in a module, by the name or path that it was loaded from."""
    configs: list[Any] = [getattr(part, "config", None) for part in model.modules()]
    architectures: dict[str, dict[str, Any]] = {}
    for config in (one for one in configs if hasattr(one, "to_dict")):
        described = config.to_dict() | {"model_type": config.model_type}
        plain = {name: value for name, value in described.items() if not _is_no_data(name)}
        architectures.setdefault(config._name_or_path, plain)
    return architectures


def architecture_of(config: "PretrainedConfig | Mapping[str, Any]") -> "PretrainedConfig":
    """The configuration object of an architecture, given as such or as ``saved_architecture`` describes it.

    Raises:
        ConfigError: If it names a kind of model that the library does not have, or code.
    """
    from transformers import AutoConfig

    built: Any = config
    if isinstance(config, Mapping):
        settings = dict(config)
        kind = settings.pop("model_type", None)
        named = [name for name in settings if _is_no_data(name)]
        if named:
            raise ConfigError(f"a model's config holds {printable(named[0])}, which is not followed")
        try:
            built = AutoConfig.for_model(str(kind), **settings)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{printable(kind)} is no kind of model that can be built ({printable(error)})") from None
    if getattr(built, "_attn_implementation", None) not in _ATTENTION:
        raise ConfigError("a model's config names kernels of its own, which are not loaded")
    return built


def stack_of_layers(model: Any) -> tuple[str, nn.ModuleList]:
    """Name and layers of the stack that a transformer of the library is made of."""
    n_layers = model.config.num_hidden_layers
    return next(
        (name, part)
        for name, part in model.named_modules()
        if isinstance(part, nn.ModuleList) and len(part) == n_layers
    )


def transformer_layers(model: Any, name: str) -> list[list[str]]:
    """What the names of the weights of each layer of a transformer begin with: the embeddings, then each of its stack.

    Args:
        model: A transformer of the library.
        name: What the names begin with where the transformer is a part of something.
    """
    stack, layers = stack_of_layers(model)
    children = [child for child, _ in model.named_children()]
    before = children[: children.index(stack.partition(".")[0])]
    return [[f"{name}.{child}" for child in before], *([f"{name}.{stack}.{place}"] for place in range(len(layers)))]


def _is_no_data(name: str) -> bool:
    return name.startswith("_") or name in _NOT_DATA
