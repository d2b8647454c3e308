"""Weights from elsewhere held against a method by name and shape, and put into it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from ecgmm.errors import ConfigError, printable

WRAPPERS = ("module.", "model.", "encoder.")
"""What other programs put before the names of a model: data parallelism, Lightning tasks, pairs of towers."""

_COUNTER = "num_batches_tracked"  # counts batches; with a fixed momentum nothing is computed from it
_Shape = tuple[int, ...]


@dataclass(frozen=True)
class Matching:
    """Names of given weights and of a method, held against each other.

    Attributes:
        matched: Name in the method to name among the given weights.
        left_over: Given names that go nowhere.
        missing: Names in the method that keep random weights.
        new: Names in parts that stand for other classes or findings, which keep random weights although some are given.
        prefix: What was taken off the given names.
        place: What was put before them.
    """

    matched: Mapping[str, str]
    left_over: tuple[str, ...]
    missing: tuple[str, ...]
    new: tuple[str, ...]
    prefix: str
    place: str

    def is_whole(self, part: str) -> bool:
        """Whether nothing of a part of the method keeps random weights."""
        return not any(_is_below(name, part) for name in self.missing + self.new if not name.endswith(_COUNTER))


def match_weights(
    method: nn.Module,
    given: Mapping[str, Tensor],
    parts: Sequence[str] | None,
    prefixes: Sequence[str],
    places: Sequence[str],
    strange: Collection[str],
) -> Matching:
    """Hold names and shapes against each other.

    Args:
        method: What is to have the weights.
        given: The weights by name.
        parts: Parts of the method that are to have them; None for all.
        prefixes: What may stand before the given names; the first is tried before all others.
        places: What may be put before them instead; the first is tried before all others.
        strange: Parts of the method whose numbers stand for other classes or findings than those of the given weights.

    Raises:
        ConfigError: If there is no such part, nothing matches, several readings of the names match equally well, or a
            shape is another.
    """
    own = {name: tensor for name, tensor in method.state_dict().items() if parts is None or _in_any(name, parts)}
    for part in parts or ():
        if not _in_any_name(method.state_dict(), part):
            raise ConfigError(
                f"init.parts names {printable(part)}, which is no part of the method; it has"
                f" {', '.join(parts_with_weights(method))}"
            )
    prefix, place = _best_reading(own, given, prefixes, places)
    matched = {name: their for name, their in _read(own, given, prefix, place).items() if not _in_any(name, strange)}
    _check_shapes(own, given, matched)
    for part in parts or ():
        if not _in_any_name(matched, part):
            raise ConfigError(f"init.parts names {part}, for which no weight of that name is given{_example(given)}")
    if not matched:
        raise _nothing(own, given)
    used = set(matched.values())
    new = tuple(name for name in own if _in_any(name, strange))
    return Matching(
        matched,
        tuple(name for name in given if name not in used),
        tuple(name for name in own if name not in matched and name not in new),
        new,
        prefix,
        place,
    )


def prefixes_to_try() -> list[str]:
    """Nothing, each of ``WRAPPERS``, and two of them one in the other."""
    return ["", *WRAPPERS, *(f"{outer}{inner}" for outer, inner in product(WRAPPERS, repeat=2))]


def put_weights(method: nn.Module, given: Mapping[str, Tensor], matched: Mapping[str, str]) -> None:
    """Copy matched weights into a method; no random number is drawn."""
    with torch.no_grad():
        method.load_state_dict({name: given[their] for name, their in matched.items()}, strict=False)


def parts_with_weights(method: nn.Module) -> list[str]:
    """First parts of the names of a method's weights, in their order."""
    return list(dict.fromkeys(name.partition(".")[0] for name in method.state_dict()))


def shape_words(tensor: Tensor) -> str:
    """Shape as a reader writes it: ``32 x 12``, and ``one number`` for a scalar."""
    return " x ".join(map(str, tensor.shape)) or "one number"


def _read(own: Iterable[str], given: Collection[str], prefix: str, place: str) -> dict[str, str]:
    """Given name of each own name under one reading."""
    reading = {name: prefix + name.removeprefix(place) for name in own if name.startswith(place)}
    return {name: their for name, their in reading.items() if their in given}


def _best_reading(
    own: Collection[str], given: Collection[str], prefixes: Sequence[str], places: Sequence[str]
) -> tuple[str, str]:
    counts = {(prefix, place): len(_read(own, given, prefix, place)) for place in places for prefix in prefixes}
    most = max(counts.values())
    best = [reading for reading, count in counts.items() if count == most]
    if most == 0:
        raise _nothing(own, given)
    if len(best) > 1 and best[0] != (prefixes[0], places[0]):
        (first, at), (second, there) = best[:2]
        raise ConfigError(
            f"names of the weights can be read in several ways: {first or 'nothing'} taken off and {at or 'nothing'}"
            f" put before, or {second or 'nothing'} and {there or 'nothing'}; set init.prefix and init.parts"
        )
    return best[0]


def _check_shapes(own: Mapping[str, Tensor], given: Mapping[str, Tensor], matched: Mapping[str, str]) -> None:
    unlike = [(name, their) for name, their in matched.items() if _kind(own[name]) != _kind(given[their])]
    if unlike:
        name, their = unlike[0]
        more = f", and {len(unlike) - 1} more do not fit" if len(unlike) > 1 else ""
        raise ConfigError(
            f"{name} is {_words(own[name])} in the method and {_words(given[their])} in the given weights{more}; build"
            " the method as those weights were built, or name other parts with init.parts"
        )


def _kind(tensor: Tensor) -> tuple[_Shape, bool]:
    return tuple(tensor.shape), tensor.is_floating_point()


def _words(tensor: Tensor) -> str:
    return shape_words(tensor) + ("" if tensor.is_floating_point() else " of whole numbers")


def _nothing(own: Collection[str], given: Collection[str]) -> ConfigError:
    ours = next((name for name in own), "nothing")
    return ConfigError(
        f"no given weight has a name of the method{_example(given)}, and the method's begin with {ours}; set"
        " init.prefix to what stands before the names, and init.parts to the parts they are for"
    )


def _example(given: Collection[str]) -> str:
    return f" (they begin with {printable(next(iter(given)), 80)})" if given else ""


def _is_below(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _in_any(name: str, parts: Iterable[str]) -> bool:
    return any(_is_below(name, part) for part in parts)


def _in_any_name(names: Iterable[str], part: str) -> bool:
    return any(_is_below(name, part) for name in names)
