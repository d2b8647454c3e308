"""Mutated settings: each is refused in one sentence that names its key, or is what its key may be."""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from numpy.random import Generator
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from benchmarks.fuzzing.file_mutations import pick
from benchmarks.fuzzing.verdicts import Case, Outcome, Verdict
from ecgmm.commands.command_line import set_up_hydra, user_message
from ecgmm.configuration import CONF_DIR
from ecgmm.errors import ConfigError
from ecgmm.settings import checked

ENTRIES = ("train", "prepare", "evaluate", "predict", "audit", "download")
GIVEN = {"evaluate": ["run=r"], "predict": ["run=r"]}
CHOSEN: dict[str, tuple[list[str], ...]] = {
    "train": (
        [],
        ["method=k_merl", "task=multilabel", "data=mimic_iv_ecg"],
        ["method=meit", "data=ptb_xl"],
        ["method=ecg_doctor", "ecg_encoder=resnet18"],
        ["method=time_frequency", "consistency=cosine", "augmentation=none"],
    )
}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3.5, -0.5, 1e30, -1e30, 10**30, 5_000_000_000, math.nan, math.inf, -math.inf, "",
    " ", "x", "1", "1e-3", "1%", "nan", "no", "II", "val", "../x", "/dev/zero", "~", "\0", "\x1b[2J", "${oc.env:HOME}",
    "a" * 5000, "²", [], [1], ["I", "I"], ["II", 3], [[1]], [None], [math.nan], {}, {"_target_": "os.system"},
    {"a": 1}, "os.system", "gpu", 1e-300, 64, 2**31, 2**63, -(2**63),
)  # fmt: skip
KINDS = tuple(f"settings.{entry}" for entry in ENTRIES)


@cache
def _composed(entry: str, choice: int) -> DictConfig:
    set_up_hydra()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        return compose(entry, [*GIVEN.get(entry, []), *CHOSEN.get(entry, ([],))[choice]])


def _leaves(node: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict) and node:
        for name, part in node.items():
            yield from _leaves(part, (*at, name))
    else:
        yield at


@cache
def _keys(entry: str, choice: int) -> tuple[str, ...]:
    plain = OmegaConf.to_container(_composed(entry, choice))
    assert isinstance(plain, dict)
    if "sizes" in plain:  # those that were not chosen are nobody's settings
        plain["sizes"] = {plain["size"]: plain["sizes"][plain["size"]]}
    return tuple(".".join(parts) for parts in _leaves(plain))


def judge(cases: list[Case], folder: Path) -> list[Verdict]:
    """Change one key of a command's settings for each case, check them, and judge the answer.

    Args:
        cases: Of kinds in ``KINDS``.
        folder: Not used.

    Returns:
        A verdict on each case, in order.
    """
    return [_judge(case) for case in cases]


def _judge(case: Case) -> Verdict:
    entry, random = case.kind.partition(".")[2], case.generator()
    choice = int(random.integers(len(CHOSEN.get(entry, ([],)))))
    config, key, value = _composed(entry, choice).copy(), pick(_keys(entry, choice), random), pick(VALUES, random)
    is_new = random.random() < 0.1
    key = _another(key, random) if is_new else key
    before = None if is_new else OmegaConf.select(config, key)
    try:
        OmegaConf.update(config, key, value, force_add=True, merge=False)
    except (OmegaConfBaseException, ValueError):  # the index of a list is no number
        return Verdict(case, Outcome.REFUSED, "no such value in a configuration", False)
    try:
        settings = checked(entry, config)
    except (ConfigError, OmegaConfBaseException) as error:
        return Verdict(case, *_refused(key, str(user_message(error))), False)
    return Verdict(case, *_accepted(key, before, OmegaConf.select(settings, key), is_new), False)


def _another(key: str, random: Generator) -> str:
    """A key with a letter more, less or another, which is none of the command's."""
    place = int(random.integers(len(key)))
    return str(pick((f"{key}x", f"x{key}", f"{key[:place]}q{key[place:]}", f"{key}.x"), random))


def _refused(key: str, sentence: str) -> tuple[Outcome, str]:
    if len(sentence.splitlines()) > 1 or not sentence.isprintable():
        return Outcome.FAILED, f"{key}: not a printable sentence"
    if not any(part in sentence for part in (key.rpartition(".")[2], key.split(".")[0])):
        return Outcome.FAILED, f"{key}: the sentence does not name it"
    return Outcome.REFUSED, "a sentence"


def _accepted(key: str, before: Any, value: Any, is_new: bool) -> tuple[Outcome, str]:
    if is_new:
        return Outcome.FAILED, f"{key}: a key that is none is taken"
    plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return Outcome.FAILED, f"{key}: {plain} is taken"
    if before is not None and plain is not None and _form(before) != _form(plain):
        return Outcome.FAILED, f"{key}: {type(plain).__name__} in place of {type(before).__name__} is taken"
    return Outcome.AS_WRITTEN, ""


def _form(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return "list" if OmegaConf.is_list(value) else str(type(value).__name__)
