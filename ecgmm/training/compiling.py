"""``compile=true``: the waveform encoder as kernels that torch.compile writes for it."""

from ecgmm.errors import ConfigError
from ecgmm.models.method import Method


def compile_encoder(method: Method) -> None:
    """Have the parts of a method's waveform encoder compiled when they are first called.

    Its parts and not itself, because some methods ask the encoder for features in the middle. In place, so that the
    names of the saved weights stay. Nothing else is compiled: lengths of reports change from batch to batch.

    Raises:
        ConfigError: If the method has no waveform encoder.
    """
    parts = method.compiled_parts()
    if not parts:
        raise ConfigError(
            f"compile=true and method={method.name} has no waveform encoder to compile; set compile=false"
        )
    for part in parts:
        part.compile()
