"""Settings of training that decide whether runs belong together, as their configurations have them.

Recipe and size do not say them all: `recipe=quick trainer.max_epochs=24` is a quick run with twice the epochs. What a
run of an earlier version does not state is unknown, and is not compared.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ecgmm.runs.run import Run

_OF_ALL = (
    "optimizer.lr",
    "optimizer.weight_decay",
    "decayed",
    "task.modalities",
    "trainer.max_epochs",
    "batch_size",
    "warmup_fraction",
    "sampling",
    "waveform.highpass_hz",
    "waveform.limit_mv",
    "augmentation",
    "quality",
)
"""The same for all rows, but under ``recipe=native``, which takes the published numbers of each method."""
_SEARCHED = ("optimizer.lr", "optimizer.weight_decay", "trainer.max_epochs", "augmentation")
"""Of these, what runs of ``+tuned=...`` differ in: a search chose it for each row."""
_OF_A_METHOD = ("method.lambda_cons", "method.ecg_encoder", "method.text_encoder")
"""A method's own affair; its ablations change them under a name."""


def settings_of(run: Run, *axes: str) -> dict[str, str]:
    """What a run says of each setting, such as ``batch_size=64``, by a name that runs share who must agree in it.

    Args:
        run: A finished run.
        axes: Keys in which runs differ on purpose.
    """
    facts = run.facts
    own = f"{run.method} {facts.ablation} "
    differ = {"native": _OF_ALL, "tuned": _SEARCHED}.get(facts.recipe, ())
    stated = {
        (own if name in differ else "") + key: value
        for name in _OF_ALL
        for key, value in _leaves(run, name)
        if key not in axes
    }
    stated |= {own + key: value for name in _OF_A_METHOD for key, value in _leaves(run, name) if key not in axes}
    return stated


def common_settings(runs: Sequence[Run], *axes: str) -> dict[str, str | None]:
    """For each setting what most methods say of it, and of these most runs; None where two values are as frequent."""
    methods, n_runs = defaultdict[tuple[str, str], set[str]](set), Counter[tuple[str, str]]()
    for run in runs:
        for said in settings_of(run, *axes).items():
            methods[said].add(run.method)
            n_runs[said] += 1
    frequency = {said: (len(methods[said]), n_runs[said]) for said in methods}
    as_frequent = Counter((name, frequency[name, value]) for name, value in methods)
    return {
        name: value if as_frequent[name, frequency[name, value]] == 1 else None
        for name, value in sorted(methods, key=frequency.__getitem__)
    }


def different_settings(run: Run, common: dict[str, str | None]) -> tuple[str, ...]:
    """What a run says otherwise than ``common_settings``; of a part of another kind nothing but its kind."""
    others = [value for name, value in settings_of(run).items() if name in common and value != common[name]]
    kinds = [value.partition("=")[0] + "." for value in others if "=" in value and value.split("=")[1][:1].isupper()]
    return tuple(value for value in others if not value.startswith(tuple(kinds)))


def _leaves(run: Run, name: str) -> Iterator[tuple[str, str]]:
    """Keys and what is said of them; a part that is built says its kind under its own name, ``None`` where off.

    What the data decide, such as the size of a vocabulary, is nobody's setting: seeds that draw their patients differ.
    """
    missing = object()
    value: Any = OmegaConf.select(run.config, name, default=missing)
    if value is missing:
        return
    if not isinstance(value, DictConfig):
        yield name, f"{name}={value}"
        return
    yield name, f"{name}={str(value.get('_target_')).rpartition('.')[2]}"
    for key in map(str, value):
        if not key.startswith("_") and key not in run.config.get("from_data", {}):
            yield from _leaves(run, f"{name}.{key}")
