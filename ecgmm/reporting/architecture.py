"""The layers of a network with their output shapes and parameter counts, read from the instantiated modules."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod

import torch
from torch import Tensor, nn

from ecgmm.leads import N_LEADS
from ecgmm.models.method import Method
from ecgmm.signal.preparation import WaveformPreparation
from ecgmm.types import INTERVALS, Batch

N_RECORDS, N_TOKENS = 7, 13
"""Size of the batch that is sent through, shown as B and N: primes, so that no other dimension is taken for them."""

_LISTS = (nn.Sequential, nn.ModuleList)

Shapes = dict[nn.Module, tuple[tuple[int, ...], tuple[int, ...]]]
"""Shape that went into a module and shape that came out of it."""


@dataclass(frozen=True)
class Layer:
    """One line of a box.

    Attributes:
        label: What it is.
        extras: Norms, activations and pooling behind it, which its shape and count include.
        shape: As ``output_shape``; of a parameter of its own, the parameter's.
        n_parameters: Number of its parameters.
    """

    label: str
    extras: tuple[str, ...]
    shape: str
    n_parameters: int


def n_parameters(module: nn.Module) -> int:
    """Parameters of a module, each counted once."""
    return sum(parameter.numel() for parameter in module.parameters())


def trace(method: Method, preparation: WaveformPreparation, n_times: int) -> Shapes:
    """Send a tiny batch through and note what goes into each module and what comes out."""
    shapes: Shapes = {}

    def note(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        shapes[module] = (_shape(inputs), _shape(output))

    hooks = [part.register_forward_hook(note) for child in method.children() for part in child.modules()]
    with torch.no_grad():
        method(_batch(preparation, n_times))
    for hook in hooks:
        hook.remove()
    return shapes


def _batch(preparation: WaveformPreparation, n_times: int) -> Batch:
    steps = torch.arange(n_times, dtype=torch.int16).expand(N_RECORDS, N_LEADS, -1) % 100
    there = torch.ones(N_RECORDS, dtype=torch.bool)
    tokens = torch.ones(N_RECORDS, N_TOKENS, dtype=torch.int64)
    intervals = torch.full((N_RECORDS, len(INTERVALS)), torch.nan)
    zeros = torch.zeros(N_RECORDS, dtype=torch.int64)
    return Batch(preparation(steps), there, tokens, tokens.bool(), tokens, there, zeros, zeros, intervals, there)


def _shape(value: object) -> tuple[int, ...]:
    """Shape of the first tensor among what went in or came out; modules give tensors, tuples or named outputs."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    try:
        return _shape(value[0])  # type: ignore[index]  # transformers' outputs are indexed, but are no sequences
    except (IndexError, KeyError, TypeError):
        return ()


def layers(module: nn.Module, shapes: Shapes) -> list[Layer]:
    """Lines of an encoder's box, in order; their parameters sum to those of the encoder.

    A block, that is a module of several parts in a list, is one line, and so are neighbours of one kind and shape.
    """
    lines = []
    for (label, extras, shape), same in groupby(_lines(module, shapes), lambda one: (one.label, one.extras, one.shape)):
        group = list(same)
        times = f"{len(group)} × " if len(group) > 1 else ""
        lines.append(Layer(f"{times}{label}", extras, shape, sum(one.n_parameters for one in group)))
    return lines


def _lines(module: nn.Module, shapes: Shapes) -> Iterator[Layer]:
    for name, parameter in module.named_parameters(recurse=False):
        yield Layer(f"{name}, learned", (), str(list(parameter.shape)), parameter.numel())
    if isinstance(module, _LISTS):
        yield from _fold(module, shapes)
        return
    for name, child in module.named_children():
        if list(child.children()):
            inner = list(_lines(child, shapes))
            named = len(inner) == 1 and not isinstance(child, _LISTS)
            yield from [replace(inner[0], label=f"{_kind(child)}: {inner[0].label}")] if named else inner
        elif n_parameters(child) or _changes_shape(child, shapes):
            kind = _kind(child).lower()
            prefix = "" if name.lower() in kind or name.startswith(kind) else f"{name}: "
            yield _leaf(child, shapes, prefix)


def _fold(sequence: nn.Module, shapes: Shapes) -> Iterator[Layer]:
    """Lines of parts that follow one another: what has no weight matrix belongs to the line before."""
    line: Layer | None = None
    for child in sequence.children():
        is_list = isinstance(child, _LISTS)
        small = not list(child.children()) and all(parameter.ndim < 2 for parameter in child.parameters())
        if line is not None and small:
            extras = (*line.extras, _kind(child))
            line = Layer(line.label, extras, output_shape(child, shapes), line.n_parameters + n_parameters(child))
            continue
        if line is not None:
            yield line
        line = None if is_list else _leaf(child, shapes)
        if is_list:
            yield from _fold(child, shapes)
    if line is not None:
        yield line


def _leaf(module: nn.Module, shapes: Shapes, prefix: str = "") -> Layer:
    return Layer(f"{prefix}{describe(module)}", (), output_shape(module, shapes), n_parameters(module))


def output_shape(module: nn.Module, shapes: Shapes) -> str:
    """Shape of what a module gives out, with B for records and N for tokens; empty where it was not called."""
    _, shape = shapes.get(module, ((), ()))
    if not shape:
        return ""
    names = [str(size) for size in shape]
    if shape[1:2] == (N_TOKENS,):
        names[1] = "N"
    times, rest = divmod(shape[0], N_RECORDS)
    if not rest:
        names[0] = "B" if times == 1 else f"{times}B"
    return f"[{', '.join(names)}]"


def _changes_shape(module: nn.Module, shapes: Shapes) -> bool:
    before, after = shapes.get(module, ((), ()))
    return before != after


def _kind(module: nn.Module) -> str:
    return type(module).__name__.removesuffix("1d").removesuffix("2d")


def describe(module: nn.Module) -> str:
    """Kind and sizes of a layer."""
    if isinstance(module, nn.Conv1d | nn.Conv2d):
        stride = f", stride {_size(module.stride)}" if prod(module.stride) > 1 else ""
        return f"Conv {module.in_channels} → {module.out_channels}, kernel {_size(module.kernel_size)}{stride}"
    if isinstance(module, nn.Linear):
        return f"Linear {module.in_features} → {module.out_features}"
    if isinstance(module, nn.Embedding):
        return f"Embedding {module.num_embeddings:,} × {module.embedding_dim}"
    return _kind(module)


def _size(sizes: tuple[int, ...]) -> str:
    """``(1, 9)`` is 9: convolution over time is written as two-dimensional convolution of height 1."""
    return " × ".join(str(size) for size in sizes if size > 1) or "1"
