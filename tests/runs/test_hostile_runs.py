"""A run from others is data: nothing in it runs, is looked up, is followed, or takes memory without end."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # no stubs

from ecgmm.errors import DataError
from ecgmm.runs.configuration import read_config
from ecgmm.runs.loading import load_model
from ecgmm.runs.saved_model import ModelFacts, read_model_facts, write_model
from tests.gadgets import GADGETS, MARK
from tests.runs.commands import COMMANDS
from tests.runs.conftest import Outcome

READ_THE_MODEL = ("predict", "evaluate", "experiments.figure1")
READ_THE_CONFIGURATION = ("evaluate", "experiments.figure2", "experiments.report")


def change_model(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change ``model.json`` as somebody would who knows that it is sealed."""
    facts = read_model_facts(run / "model").plain()
    change(facts)
    from safetensors.torch import load_file

    weights = load_file(run / "model" / "model.safetensors")
    write_model(run / "model", ModelFacts.model_validate(facts), weights)
    forget_digests(run)


def change_config(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    change(config)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    forget_digests(run)


def put(parts: dict[str, Any], settings: dict[str, Any]) -> None:
    settings.update(parts)


def put_in_method(parts: dict[str, Any], facts: dict[str, Any]) -> None:
    facts["method"].update(parts)


def forget_digests(run: Path) -> None:
    facts = json.loads((run / "run.json").read_text())
    facts.pop("files", None)
    (run / "run.json").write_text(json.dumps(facts))


def assert_harmless(outcome: Outcome, folder: Path) -> None:
    code, out, err = outcome
    assert code in (0, 2)
    assert "Traceback" not in out + err
    assert not (folder / MARK).exists()
    assert "\x1b" not in out + err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_gadgets_in_the_model_run_in_no_command(
    run: Path, store_path: Path, outcome: Callable[..., Outcome], here: Path
) -> None:
    kept = (run / "model" / "model.json").read_bytes()
    for gadget in GADGETS:
        for place in ("criterion", "ecg_encoder"):
            change_model(run, partial(put_in_method, {place: gadget}))
            with pytest.raises(DataError):
                load_model(run)
            assert not (here / MARK).exists()
            (run / "model" / "model.json").write_bytes(kept)
    change_model(run, lambda facts: facts["method"].update(criterion=GADGETS[0]))
    for name in READ_THE_MODEL:
        found = outcome(name, *COMMANDS[name](run, store_path, []))
        assert_harmless(found, here)
        assert found[0] == 2


@pytest.mark.parametrize("name", READ_THE_CONFIGURATION)
def test_gadgets_in_the_configuration_run_in_no_command(
    run: Path, store_path: Path, outcome: Callable[..., Outcome], here: Path, name: str
) -> None:
    gadget = {"_target_": "distutils.spawn.spawn", "cmd": ["touch", MARK]}
    for keys in (("quality", "data", "waveform"), ("method",)):
        kept = (run / "config.yaml").read_bytes()
        change_config(run, partial(put, dict.fromkeys(keys, gadget)))
        assert_harmless(outcome(name, *COMMANDS[name](run, store_path, [])), here)
        (run / "config.yaml").write_bytes(kept)


@pytest.mark.parametrize("name", READ_THE_CONFIGURATION)
def test_nothing_is_looked_up_for_a_configuration(
    run: Path,
    store_path: Path,
    outcome: Callable[..., Outcome],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    change_config(run, lambda config: config.update(name="${oc.env:SECRET}"))
    found = outcome(name, *COMMANDS[name](run, store_path, []))
    assert found[0] == 2
    written = [path.read_bytes() for path in here.rglob("*") if path.is_file() and path.suffix in (".html", ".md")]
    assert b"hunter2" not in b"".join([*written, *(text.encode() for text in found[1:])])


@pytest.mark.parametrize(
    "content",
    [
        "a: &a [1]\nb: *a\n",
        "[" * 5000,
        "a: !!python/object/apply:os.system ['touch marker']\n",
        "a: ${oc.env:HOME}\n",
        "a: .nan\n",
        "a: .inf\n",
        "- 1\n",
        "",
        'a: "\\e]0;x\\a"\n',
        "a: 0x" + "f" * 5000 + "\n",
        "? [1, 2]\n: 3\n",
        "a: 1\n" * 3 + "b: [",
    ],
)
def test_a_configuration_of_anything_else_than_plain_values_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(DataError, match=r"config\.yaml"):
        read_config(tmp_path, {})


def test_evaluate_makes_nothing_and_goes_nowhere_that_the_run_says(
    run: Path, workspace: Path, outcome: Callable[..., Outcome], here: Path
) -> None:
    victim = here / "victim"
    change_config(run, lambda config: config["data"].update(raw=f"{victim}/x", stores=f"{victim}/y", seed=7))
    before = sorted(here.rglob("*"))
    code, _, err = outcome("evaluate", f"run={run}")
    assert code == 2
    assert "is not the store that the run was trained on" in err
    assert "paths.stores=" in err
    assert sorted(here.rglob("*")) == before
    assert outcome("evaluate", f"run={run}", f"paths.stores={workspace}/stores")[0] == 0


@pytest.mark.parametrize("place", ["evaluation", "evaluation/{store}-test.json"])
def test_a_link_below_evaluation_leads_nowhere(
    run: Path, store_path: Path, outcome: Callable[..., Outcome], here: Path, place: str
) -> None:
    victim = here / "victim"
    link = run / place.format(store=store_path.name)
    link.parent.mkdir(exist_ok=True)
    if place == "evaluation":
        victim.mkdir()
    else:
        victim.write_text("precious")
    link.symlink_to(victim)
    assert_harmless(outcome("evaluate", f"run={run}", f"store={store_path}"), here)
    assert list(victim.iterdir()) == [] if victim.is_dir() else victim.read_text() == "precious"


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ["NORM"] * 5},
        {"class_names": ["NORM", "MI"]},
        {"class_names": ["\x1b]0;OWNED\x07NORM", "MI", "STTC", "CD", "HYP"]},
        {"class_names": []},
        {"task": "multi"},
        {"task": None},
        {"max_tokens": 10**10},
        {"max_tokens": 0},
        {"max_tokens": True},
        {"tokeniser": "os.system"},
        {"schema_version": 99},
        {"method": {}},
        {"method": []},
        {"waveform": {"limit_mv": "x", "highpass_hz": None}},
        {"waveform": {"limit_mv": 0, "highpass_hz": None}},
        {"waveform": {"limit_mv": 10.0, "highpass_hz": 1000.0}},
    ],
    ids=str,
)
def test_a_model_that_no_run_wrote_is_refused(run: Path, change: dict[str, Any]) -> None:
    content = json.loads((run / "model" / "model.json").read_text())
    del content["sha256"]
    (run / "model" / "model.json").write_text(json.dumps(content | change))
    with pytest.raises(DataError, match=r"model\.json|model\.safetensors"):
        load_model(run)


@pytest.mark.parametrize("key", ["rate_hz", "n_times", "uv_per_step", "leads", "lead_mean_mv", "lead_std_mv"])
@pytest.mark.parametrize("value", [None, 0, -1, 10**11, "x", [], [1.0] * 11, [[1.0]] * 12, ["V1"] * 12, {}])
def test_a_signal_that_no_store_has_is_refused(run: Path, key: str, value: Any) -> None:
    content = json.loads((run / "model" / "model.json").read_text())
    del content["sha256"]
    content["store"][key] = value
    (run / "model" / "model.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"store"):
        read_model_facts(run / "model")


@pytest.mark.parametrize(
    "change",
    [
        {"n_classes": 10**11},
        {"n_classes": 10**6},
        {"n_classes": -1},
        {"n_classes": "5"},
        {"dropout": 7},
        {"unknown": 1},
        {"ecg_encoder.channels": [200_000, 200_000]},
        {"ecg_encoder.channels": [8] * 1_001},
        {"text_encoder.vocabulary_size": 10**7},
        {"text_encoder.vocabulary_size": 1.5},
    ],
    ids=str,
)
def test_absurd_sizes_are_refused_before_they_take_memory(run: Path, change: dict[str, Any]) -> None:
    def changed(facts: dict[str, Any]) -> None:
        for name, value in change.items():
            *parts, last = name.split(".")
            node = facts["method"]
            for part in parts:
                node = node[part]
            node[last] = value

    change_model(run, changed)
    with pytest.raises(DataError, match=r"train the run again"):
        load_model(run)


def test_a_model_that_names_another_place_is_not_followed(run: Path) -> None:
    change_model(run, lambda facts: facts["method"]["text_encoder"].update(name_or_path="somebody/model"))
    with pytest.raises(DataError, match="not followed"):
        load_model(run)


def test_files_of_the_run_are_readable_by_whom_they_should(run: Path, finished: Path) -> None:
    assert (finished / "predictions.parquet").stat().st_mode & 0o777 == 0o600
    neighbours = {path.stat().st_mode & 0o777 for path in (finished / "model").rglob("*") if path.is_file()}
    assert neighbours == {0o666 & ~_umask()}


def _umask() -> int:
    old = os.umask(0)
    os.umask(old)
    return old


def test_no_folder_of_this_machine_stands_in_a_run(finished: Path, workspace: Path) -> None:
    import torch

    folders = [str(workspace), str(finished), str(Path.home())]
    texts = [path.read_text() for path in finished.rglob("*") if path.suffix in (".json", ".yaml")]
    for name in ("last", "best"):
        checkpoint = torch.load(finished / "checkpoints" / f"{name}.ckpt", weights_only=True)
        texts.append(
            json.dumps(checkpoint, default=lambda value: "" if isinstance(value, torch.Tensor) else str(value))
        )
    assert not [folder for folder in folders for text in texts if f"{folder}/" in text]


def test_weights_that_are_not_finite_give_no_answer(
    run: Path, store_path: Path, outcome: Callable[..., Outcome], here: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    weights = load_file(run / "model" / "model.safetensors")
    name = next(name for name in weights if weights[name].ndim == 2)
    weights[name][0, 0] = torch.nan
    write_model(run / "model", read_model_facts(run / "model"), weights)
    forget_digests(run)
    for command in ("predict", "evaluate"):
        code, out, err = outcome(command, *COMMANDS[command](run, store_path, []))
        assert code == 2
        assert "not finite" in err
        assert "nan" not in out


def test_every_flipped_bit_of_weights_and_vocabularies_is_noticed(run: Path) -> None:
    import random

    rng = random.Random(0)
    for name in ("model.safetensors", "statements.json", "tokeniser/tokenizer.json", "model.json"):
        path = run / "model" / name
        sound = path.read_bytes()
        for _ in range(15):
            flipped = bytearray(sound)
            flipped[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            with pytest.raises(DataError):
                load_model(run)
        path.write_bytes(sound)
    load_model(run)


def test_a_moved_copy_gives_the_same_answer(
    run: Path, finished: Path, store_path: Path, outcome: Callable[..., Outcome], here: Path
) -> None:
    arguments = COMMANDS["predict"](finished, store_path, [])
    moved = shutil.move(run, here / "moved")
    assert outcome("predict", *COMMANDS["predict"](Path(moved), store_path, [])) == outcome("predict", *arguments)
