"""Every leaf of every command's settings under every wrong value: a sentence with key, value and range, or it works."""

import copy
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from ecgmm.errors import ConfigError
from ecgmm.settings import check_plain, checked, compose

COMPOSED = {
    "default": ("train", []),
    "sources": ("train", ["data=ptb_xl", "task=multilabel", "ecg_encoder=resnet18", "+experiment=profile"]),
    "k_merl": ("train", ["method=k_merl", "data=mimic_iv_ecg", "recipe=native"]),
    "k_merl base": ("train", ["method=k_merl", "size=base"]),
    "fg_clep": ("train", ["method=fg_clep", "gate=vector"]),
    "time_frequency": ("train", ["method=time_frequency"]),
    "ecg_doctor": ("train", ["method=ecg_doctor", "language_model=pretrained"]),
    "cross_modal_transformer": ("train", ["method=cross_modal_transformer", "+ablation=transformer_text"]),
    "bag_of_statements": ("train", ["method=bag_of_statements"]),
    "prepare": ("prepare", []),
    "evaluate": ("evaluate", ["run=a", "leads=[I,II]", "store=b"]),
    "evaluate elsewhere": ("evaluate", ["run=a", "data=ptb_xl", "labels=icd_multilabel", "recalibrate=0.2"]),
    "predict": ("predict", ["run=a", "record=b", "report=c"]),
    "explain": ("explain", ["run=a", "record=b", "report=c", "class=MI"]),
    "export": ("export", ["run=a", "out=b"]),
    "serve": ("serve", ["run=a"]),
    "audit": ("audit", ["data=ptb_xl"]),
    "verify": ("verify", ["store=a", "run=b"]),
    "suspicious_labels": ("suspicious_labels", ["folder=a"]),
    "written_reports": ("written_reports", ["run=a"]),
    "retrieval": ("retrieval", ["run=a"]),
    "zero_shot": ("zero_shot", ["run=a", "labels=rhythm"]),
    "download": ("download", []),
}
WRONG: list[Any] = [
    float("nan"), float("inf"), float("-inf"), -1, 0, 0.0, -0.5, 1e30, 10**30, 10**400, "", " ", "x", "5", "true",
    "nan", "\x1b[2J", "a\0b", "..", None, True, False, [], [[]], [None], ["x"], [1, 1],
    {}, {"_target_": "os.system"}, {"a": 1},
]  # fmt: skip


@cache
def resolved(name: str) -> tuple[str, dict[str, Any]]:
    entry, overrides = COMPOSED[name]
    config = compose(entry, overrides)
    return entry, OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]  # a dict


def leaves(value: object, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*at, key))
    else:
        yield at, value


def with_value(config: dict[str, Any], at: tuple[str, ...], value: object) -> dict[str, Any]:
    changed = copy.copy(config)
    node = changed
    for part in at[:-1]:
        node[part] = copy.copy(node.get(part, {}))
        node = node[part]
    node[at[-1]] = value
    return changed


def is_sound(before: Any, after: Any) -> bool:
    """Whether what was accepted is of the kind that the key holds and finite."""
    if isinstance(before, bool):
        return isinstance(after, bool)
    if isinstance(before, int | float):
        return isinstance(after, int | float) and not isinstance(after, bool) and math.isfinite(after)
    if isinstance(before, str):  # a path or a text that looks like a number is one as it is written
        return isinstance(after, str | int | float) and not isinstance(after, bool)
    return True


def own_leaves(name: str) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Leaves of a composition without those of ``default``, and without sizes that are not chosen."""
    entry, config = resolved(name)
    found = {".".join(at): (at, value) for at, value in leaves(config)}
    others = set() if name == "default" or entry == "download" else set(own_leaves("default"))
    return {key: leaf for key, leaf in found.items() if key not in others and leaf[0][0] != "sizes"}


@pytest.mark.parametrize("name", COMPOSED)
def test_a_wrong_value_is_refused_by_name_or_means_something(name: str) -> None:
    entry, config = resolved(name)
    check_plain(entry, config)
    for key, (at, before) in own_leaves(name).items():
        n_refused = 0
        for value in WRONG:
            try:
                check_plain(entry, with_value(config, at, value))
            except ConfigError as error:
                n_refused += 1
                text = str(error)
                named = text.startswith((f"{key} is ", f"{key}.", f"there is no setting {key}"))
                assert named or "it must be" in text, (key, text)  # the latter of a key that depends on this one
                assert text.isprintable(), (key, value)
                assert len(text) < 3000
            else:
                assert value is None or before is None or is_sound(before, value), (key, value)
        assert n_refused >= len(WRONG) // 3, key


def test_a_key_that_is_none_is_refused_everywhere() -> None:
    entry, config = resolved("default")
    groups = {at[:-1] for at, _ in leaves(config)}
    for group in groups:
        with pytest.raises(ConfigError, match="there is no setting"):
            check_plain(entry, with_value(config, (*group, "bogus"), 1))


def composed(entry: str, *overrides: str) -> Any:
    return compose(entry, overrides)


@pytest.mark.parametrize(
    ("entry", "overrides", "key", "value"),
    [
        ("evaluate", ["run=a", "leads=II"], "leads", ["II"]),
        ("train", ["data=ptb_xl", "data.folds.val=9"], "data.folds.val", [9]),
        ("train", ["quality.splits=val"], "quality.splits", ["val"]),
        ("train", ["ecg_encoder.channels=16"], "method.ecg_encoder.channels", [16]),
        ("train", ["method=time_frequency", "method.unseen_classes=MI"], "method.unseen_classes", ["MI"]),
        ("train", ["labels.priority=MI"], "labels.priority", ["MI"]),
        ("prepare", ["data.rate_hz=100"], "rates_hz", [100]),
        ("prepare", ["data.root=123"], "data.root", "123"),
        ("evaluate", ["run=40689238"], "run", "40689238"),
        ("prepare", ["paths.stores='~/s'"], "data.stores", os.path.expanduser("~/s")),  # noqa: PTH111 (as text)
    ],
)
def test_one_value_is_a_list_of_one_and_a_number_a_path(entry: str, overrides: list[str], key: str, value: Any) -> None:
    config = checked(entry, composed(entry, *overrides))
    assert OmegaConf.select(config, key) == value


@pytest.mark.parametrize(
    ("entry", "setting", "words"),
    [
        ("evaluate", "leads=[]", "leads is []; it must be a list of different leads of I, II"),
        ("evaluate", "leads=[I,I]", "leads is ['I', 'I']; it must be a list of different"),
        ("evaluate", "leads=[v1]", "leads is ['v1']; it must be a list of different"),
        ("evaluate", "leads=[[I]]", "leads is a list; it must be"),
        ("evaluate", "split=valid", "split is 'valid'; it must be one of train, val, test"),
        ("train", "waveform.limit_mv=0", "it must be a number from 0.1 to 1000"),
        ("train", "label_fraction=0", "label_fraction is 0; it must be a number in (0, 1]"),
        ("train", "waveform.highpass_hz=250", "it must be below 250, half of data.rate_hz"),
        ("train", "warmup_fraction=5", "it must be a number from 0 to 1"),
        ("train", "train_fraction='1%'", "train_fraction is '1%'; it must be a number in (0, 1]"),
        ("train", "trainer.precision=64", "it must be one of mixed_16, 32-true, 16-mixed, bf16-mixed"),
        ("train", "optimizer.lr=nan", "optimizer.lr is nan; it must be a number from 0 to 1000"),
        ("train", "seed=5000000000", "seed is 5000000000; it must be a whole number from 0 to 4294967295"),
        ("train", "n_jobs=0", "n_jobs is 0; it must be a whole number from 1"),
        ("train", "data.rate_hz=100.5", "data.rate_hz is 100.5; it must be one of 500, 250, 100"),
        ("train", "data.window.length_s=0", "data.window.length_s is 0; it must be"),
        ("train", "data.split.train=0.9", "data.split.train is 0.9; it must be 1 together with val and test"),
        ("train", "evaluation.n_resamples=1e9", "evaluation.n_resamples is 1000000000.0; it must be a whole number"),
        ("train", "compile=1", "compile is 1; it must be true or false"),
        ("train", "overwrite=yes", "overwrite is 'yes'; it must be true or false"),
        ("train", "batch_size='64'", "batch_size is '64'; it must be a whole number"),
        ("train", "task.selection=all", "task.selection is 'all'; it must be exactly_one or priority"),
        ("train", "method.ecg_encoder.channels=[8,8,8,8,8,8,8,8,8,8,8]", "ecg_encoder.channels is"),
        ("train", "data.uv_per_step=0.1", "data.uv_per_step is 0.1; it must be at least 0.305"),
        ("train", "method.text_encoder.dim=64", "method.text_encoder.dim is 64; it must be that of the wave"),
        ("prepare", "rates_hz=[]", "rates_hz is []; it must be a list of different rates of 500, 250, 100"),
        ("prepare", "rates_hz=[500,300]", "rates_hz is [500, 300]; it must be a list of different rates"),
        ("prepare", "rates_hz=[500,500]", "rates_hz is [500, 500]; it must be a list of different rates"),
        ("train", "batchsize=8", "there is no setting batchsize; did you mean batch_size?"),
        ("train", "lr=1e-9", "there is no setting lr; did you mean optimizer.lr?"),
        ("train", "optimiser.lr=1", "there is no setting optimiser; did you mean optimizer?"),
        ("train", "ecg_encoder.bogus=1", "there is no setting ecg_encoder.bogus; ecg_encoder has dim, "),
    ],
)
def test_the_sentence_says_key_value_and_range(entry: str, setting: str, words: str) -> None:
    key, _, written = setting.partition("=")
    value = OverridesParser.create().parse_override(f"key={written}").value()
    config = resolved("default" if entry == "train" else entry)[1]
    with pytest.raises(ConfigError) as refused:
        check_plain(entry, with_value(config, tuple(key.split(".")), value))
    assert words in str(refused.value)


def test_labels_are_those_of_patients_who_take_part() -> None:
    config = with_value(with_value(resolved("default")[1], ("train_fraction",), 0.4), ("label_fraction",), 0.5)
    with pytest.raises(ConfigError, match=r"label_fraction is 0\.5; it must be at most train_fraction, which is 0\.4"):
        check_plain("train", config)


def test_a_named_folder_is_that_of_one_store() -> None:
    config = with_value(resolved("prepare")[1], ("data", "store"), "/mine")
    check_plain("prepare", config)
    with pytest.raises(ConfigError, match=r"data\.store is '/mine'; it must be null where rates_hz has several"):
        check_plain("prepare", with_value(config, ("rates_hz",), [500, 100]))


def test_a_missing_key_is_named() -> None:
    config = resolved("default")[1]
    with pytest.raises(ConfigError, match=r"^seed is missing"):
        check_plain("train", {key: value for key, value in config.items() if key != "seed"})


REFUSALS = """
import sys
from importlib import import_module
from hydra.core.global_hydra import GlobalHydra
from ecgmm.commands import command_line
for module, *arguments in {commands}:
    sys.argv = [f"ecgmm.{{module}}", *arguments]
    GlobalHydra.instance().clear()
    try:
        command_line.run(import_module(f"ecgmm.{{module}}").main)
    except SystemExit as stopped:
        assert stopped.code == 2, (module, stopped.code)
    else:
        raise AssertionError(module)
slow = {{"torch", "lightning", "transformers", "polars", "pandera", "sklearn", "scipy"}} & set(sys.modules)
assert not slow, slow
"""


def test_a_refusal_imports_nothing_slow(tmp_path: Any) -> None:
    commands = [
        ["train", "optimizer.lr=nan"],
        ["plan", "seed=-1"],
        ["train", "-m", "seed=1,2", "n_jobs=0"],
        ["prepare", "data.n_processes=two"],
        ["evaluate", "run=a", "split=valid"],
        ["predict", "run=???"],
        ["audit", "seed=5000000000"],
        ["download", "subset=0"],
    ]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", REFUSALS.format(commands=commands)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr.count("\nerror: ") + done.stderr.startswith("error: ") == len(commands)
    assert not list(tmp_path.rglob("*.*")), "a refused command leaves nothing"
    assert time.monotonic() - started < 60
