"""How many parameters every method has at both sizes: ``python -m benchmarks.sizes``.

Methods are built on the meta device, which knows shapes and holds no numbers, and pre-trained towers from their
architecture, so nothing is downloaded and 7 billion parameters take no memory. A method around a language model has a
row for each of those in ``conf/pretrained``. The last line is JSON.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
import transformers
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table
from torch import nn

from ecgmm.building import construct
from ecgmm.commands.command_line import set_up_hydra
from ecgmm.configuration import CONF_DIR

METHODS = tuple(sorted(path.stem for path in (CONF_DIR / "method").glob("*.yaml")))
LANGUAGE_MODELS = ("gpt2_medium", "llama_3_2_1b", "llama_2_7b")
# What the default synthetic data give; a real store has more words, statements and findings.
N_CLASSES, N_WORDS, N_STATEMENTS, N_FINDINGS = 5, 246, 161, 61


@dataclass(frozen=True)
class Count:
    """Parameters of one method.

    Attributes:
        method: Name of the method.
        size: ``tiny`` or ``base``.
        pretrained: Name in ``conf/pretrained`` of the weights that it starts from, if any.
        parameters: Number of all parameters.
        trainable: Number of those that learn.
    """

    method: str
    size: str
    pretrained: str | None
    parameters: int
    trainable: int


def configured(method: str, *overrides: str) -> DictConfig:
    """Compose a training run, with architectures in place of pre-trained weights where its size is ``base``."""
    numbers = {"n_classes": N_CLASSES, "n_statements": N_STATEMENTS, "n_findings": N_FINDINGS}
    set_up_hydra()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = compose("train", [f"method={method}", *overrides], return_hydra_config=True)
    if config.size == "base":
        architecture = config.pretrained.architecture
        config.from_data.update(numbers, vocabulary_size=architecture.vocab_size)
        for tower in (config.text_encoder, config.language_model):
            tower.update(name_or_path=None, config=architecture)
    else:
        config.from_data.update(numbers, vocabulary_size=N_WORDS)
    return config


def build(config: DictConfig) -> nn.Module:
    """Build the method of a configuration on the meta device."""
    with torch.device("meta"):
        method: nn.Module = construct(config.method)
    return method


def count(config: DictConfig) -> Count:
    """Count the parameters of the method of a configuration."""
    parameters = list(build(config).parameters())
    chosen = config.hydra.runtime.choices
    return Count(
        chosen.method,
        config.size,
        chosen.pretrained if config.size == "base" and {"text_encoder", "language_model"} & towers(config) else None,
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
    )


def towers(config: DictConfig) -> set[str]:
    """Names of the shared towers that the method of a configuration is built from."""
    return set(config.method) & {"ecg_encoder", "text_encoder", "language_model"}


def all_configured() -> Iterator[DictConfig]:
    """Every method at both sizes in its usual recipe, at base also with every other language model."""
    for method in METHODS:
        yield configured(method, "size=tiny", "recipe=quick")
        base = configured(method, "size=base", "recipe=shared")
        if "language_model" not in towers(base):
            yield base
            continue
        for name in LANGUAGE_MODELS:
            yield configured(method, "size=base", "recipe=shared", f"pretrained={name}")


def main() -> None:
    """Count, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    counts = [count(config) for config in all_configured()]
    title = f"Parameters for {N_CLASSES} classes, {N_STATEMENTS} statements and {N_FINDINGS} findings"
    table = Table(title=title, box=None, padding=(0, 1))
    for column in ("method", "size", "pre-trained", "parameters", "trainable"):
        table.add_column(column, justify="right" if column in ("parameters", "trainable") else "left", no_wrap=True)
    for row in counts:
        table.add_row(row.method, row.size, row.pretrained or "–", f"{row.parameters:,}", f"{row.trainable:,}")
    Console().print(table)
    result = {
        "benchmark": "sizes",
        "rows": [asdict(row) for row in counts],
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
