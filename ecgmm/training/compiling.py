"""Compilation of the waveform encoder by ``torch.compile`` (setting ``compile=true``)."""

from ecgmm.errors import ConfigError
from ecgmm.models.method import Method


def compile_encoder(method: Method) -> None:
    """Compile the parts of a method's waveform encoder, each when it is first called.

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
