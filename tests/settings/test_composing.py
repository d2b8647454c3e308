"""Composition without Hydra gives what Hydra composes, to the order of the keys."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Sweep
from hydra.errors import HydraException
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ecgmm import configuration
from ecgmm.configuration import CONF_DIR, options
from ecgmm.errors import ConfigError
from ecgmm.settings import composing, defaults_lists, lookup
from ecgmm.settings.arguments import readable
from ecgmm.settings.composing import compose
from ecgmm.settings.entries import ENTRIES
from ecgmm.settings.values import read_value, written

GROUPS = sorted(path.name for path in CONF_DIR.iterdir() if path.is_dir() and path.name not in ("hydra", "experiment"))
ADDED = ("ablation", "tuned")


@pytest.fixture(autouse=True, scope="module")
def _hydra_s_files() -> Iterator[None]:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        yield


@cache
def groups_of(command: str) -> list[str]:
    lines = OmegaConf.load(CONF_DIR / f"{command}.yaml").defaults
    return [group for line in lines if OmegaConf.is_dict(line) for group in line if not group.startswith("override")]


def assert_same(command: str, *overrides: str) -> None:
    theirs = hydra.compose(command, readable(overrides))
    ours = compose(command, overrides)
    assert OmegaConf.to_yaml(ours) == OmegaConf.to_yaml(theirs)  # keeps the order of keys


def chosen(group: str, choice: str) -> str:
    return f"+{group}={choice}" if group in ADDED else f"{group}={choice}"


@pytest.mark.parametrize("command", ENTRIES)
def test_every_choice_of_every_group_is_composed_as_hydra_does(command: str) -> None:
    assert_same(command)
    groups = [*groups_of(command), *(ADDED if command == "train" else ())]
    files = {group: options(group) for group in groups}
    for place in range(max(map(len, files.values()), default=0)):
        # Several at a time, so that each choice of each group turns up once.
        assert_same(command, *(chosen(group, names[place]) for group, names in files.items() if place < len(names)))


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_alone_is_composed_as_hydra_does(group: str) -> None:
    for command in ENTRIES:
        if group in groups_of(command) or (group in ADDED and command == "train"):
            for choice in options(group):
                assert_same(command, chosen(group, choice))


@pytest.mark.parametrize(
    ("command", "overrides"),
    [
        ("train", ["method=k_merl", "size=base", "recipe=native", "stages=two"]),
        ("train", ["size=base", "method=meit", "pretrained=minilm", "text=word"]),
        ("train", ["labels=icd_multilabel", "task=single_label"]),
        ("train", ["labels=icd_multilabel"]),
        ("train", ["+experiment=profile", "+ablation=transformer_text", "profile.steps=3"]),
        ("train", ["recipe=quick", "data.rate_hz=250", "optimizer.lr=0.5", "optimizer.lr=0.25"]),
        ("train", ["trainer.limit_train_batches=5", "+optimizer.fused=true", "++optimizer.lr=1"]),
        ("train", ["~augmentation", "~quality.splits", "~evaluation=default"]),
        ("train", ["data.root=~/a b/c=d,[x]", "name=2024_11_29", "paths.stores='it''s'", "data.store=null"]),
        ("train", ["ecg_encoder.channels=[8, 16]", "+sizes={tiny: {width: 5}}", "waveform={limit_mv: 7}"]),
        ("train", ["data.limit_mv=${waveform.limit_mv}", "paths.raw=${paths.stores}/x", "ecg_encoder.dim=1_0"]),
        ("train", ["++method.ecg_encoder.dim=5", "++data.window.length_s=5", "+quality.splits=[test]"]),
        ("train", ["~data.window.pad", "+data.store=x", "quality=null"]),
        ("evaluate", ["run=a", "leads=[I,II]", "store=~/x"]),
        ("evaluate", ["run=a", "data=ptb_xl", "data.root=x", "labels=rhythm", "classes.map={SR: NORM, AFIB: CD}"]),
        ("evaluate", ["run=a", "labels=icd_multilabel", "split=all", "classes.map=a/b.csv"]),
        ("predict", ["run=a", "record=00123", "report=Sinus rhythm, rate 72: \"normal\" = 'ja'"]),
        ("explain", ["run=a", "record=00123", "class=MI", "by=occlusion", "sanity=true", "out=~/x"]),
        ("export", ["run=a", "out=b.pt2", "format=torch"]),
        ("serve", ["run=a", "port=0"]),
        ("verify", ["store=stores/synthetic-1"]),
        ("statements", ["file=a,b"]),
        ("agreement", ["data.root=x"]),
        ("download", ["subset=100", "sources.ptb_xl.url=http://x/y", "connection.timeout_s=1e1"]),
        ("audit", ["seed=3", "text.vocabulary=closed"]),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else value,
)
def test_overrides_are_composed_as_hydra_does(command: str, overrides: list[str]) -> None:
    assert_same(command, *overrides)


FILES = {
    "main": "defaults:\n- base\n- _self_\n- /part/sub: c\n- size: small\n- part@first: a\n- part@second.deep: b\n"
    "- override size: large\n- override part@first: c\nown: 1\nfirst:\n  x: main",
    "base": "own: 0\nbase: ${own}",
    "size/small": "n: 1",
    "size/large": "# @package _global_\ndefaults:\n- small\n- /part: b\n- override /part/sub: d\nn: 2\nsize: large",
    "part/a": "x: a",
    "part/_shared": "shared: 1\nx: s\nlist: [1, 2]",
    "part/b": "defaults:\n- _shared\n- _self_\n- sub@mine: d\nx: b\nlist: [3]",
    "part/c": "defaults:\n- /part/_shared@_here_\n- sub@_here_: c\n- /size@own: small\nx: c\ny: null",
    "part/sub/c": "# @package named\nz: 1",
    "part/sub/d": "z: 2",
}


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["size=small"],
        ["part@first=b", "own=5"],
        ["part@second.deep=c", "~size"],
        ["part/sub=d", "+size@other=small"],
        ["+part@third=b", "part@first=a", "first.x=1"],
        ["+part=c", "size=small"],
    ],
    ids=",".join,
)
def test_any_defaults_list_is_composed_as_hydra_does(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in FILES.items():
        file = tmp_path / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(content)
    for module in (composing, configuration, defaults_lists, lookup):
        monkeypatch.setattr(module, "CONF_DIR", tmp_path)
    monkeypatch.setattr(GlobalHydra.instance(), "hydra", None)
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        theirs = hydra.compose("main", overrides)
    assert OmegaConf.to_yaml(compose("main", overrides)) == OmegaConf.to_yaml(theirs)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(["a", "b_1", "_target_"]), part),
    max_leaves=6,
)


@settings(max_examples=50)
@given(PLAIN)
@example("\\'")
@example(["a\\", '"', "'\\\\'", "${x}", "null", " 1"])
def test_a_written_value_is_read_by_hydra_and_by_us(value: Any) -> None:
    text = written(value)
    theirs = OverridesParser.create().parse_override(f"key={text}").value()
    assert repr(read_value(text)) == repr(theirs) == repr(value)


@given(st.text(st.sampled_from("abe_019.-+:/\\ ,[]{}'\"$*nulltruefalseinfnan\t=("), max_size=12))
@example("1e-4")
@example("[a, {b: 'c,d'}, ${x.y},1_0, 007, 1.]")
@example("{a:1,b : [x , y],}")
@example(r"a\,b\\")
@example("\\ ")
@example("a\\  ")
@example("a\\\\ ")
@example("${oc.env:HOME}/x")
def test_what_hydra_reads_is_read_alike(text: str) -> None:
    try:
        override = OverridesParser.create().parse_override(f"key={text}")
    except HydraException:
        return
    assume(not override.is_sweep_override() and "(" not in text)
    assume(not text.strip(" \t").endswith(":") or text == text.strip(" \t"))  # to Hydra, space is part of a last colon
    assert not isinstance(override.value(), Sweep)
    assert repr(read_value(text)) == repr(override.value())


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["method=gated_fusio"], "method is 'gated_fusio'; choose one of bag_of_statements, "),
        (
            ["data=_common"],
            "data is '_common'; choose one of cinc_2021, code_15, mimic_iv_ecg, ptb_xl, synthetic, table",
        ),
        (["method=[mean,concat]"], "method is '[mean,concat]'; choose one of bag_of_statements, "),
        (["metod=concat"], "there is no setting metod; did you mean method?"),
        (["lr=1"], "there is no setting lr; did you mean optimizer.lr?"),
        (["optimizr.lr=1"], "there is no setting optimizr.lr; did you mean optimizer.lr?"),
        (["data.n_patient=5"], "there is no setting data.n_patient; did you mean data.n_patients?"),
        (["~nothere"], "there is no setting nothere"),
        (["+seed=8"], "seed is a setting already; leave out the + before it"),
        (["+method=concat"], "method has a choice already; leave out the + before it"),
        (["ablation=cosine"], "ablation is added to the settings; write +ablation=..."),
        (["+experiment=table2"], "table2 is a sweep; start it with python -m ecgmm.train"),
        (["seed=1,2"], "cannot read the value '1,2'"),
        (["seed"], "cannot read 'seed'; settings are written key=value"),
        (["method=mean", "method.lambda_cons=1"], "method.lambda_cons is no setting here"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_composed_is_refused_with_a_cure(overrides: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compose("train", overrides)
    assert str(refused.value).startswith(sentence)


def test_composition_and_check_need_no_hydra() -> None:
    code = (
        "import sys; from ecgmm.settings import checked, compose\n"
        "checked('train', compose('train', ['recipe=quick', 'data.root=x']))\n"
        "slow = {'hydra', 'torch', 'polars', 'lightning'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
