"""A bundle gives the run's numbers again, is refused where anything is not what was written, and tells nothing."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import ecgmm
from ecgmm.errors import ConfigError, DataError
from ecgmm.exporting.words import vocabularies_to_give
from ecgmm.text.closed import known_statements
from ecgmm.text.tokenise import StatementVocabulary, WordTokeniser
from tests.exporting.conftest import saved

PLANTED = "zanzibar"


def manifest(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change ``bundle.json`` as somebody could who knows how its digest is made."""
    content = json.loads((bundle / "bundle.json").read_text())
    del content["sha256"]
    change(content)
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(content))


def test_a_bundle_predicts_as_its_run(closed_run: ecgmm.Run, made: Path) -> None:
    bundle = ecgmm.load_run(made)
    assert isinstance(bundle, ecgmm.Bundle)
    assert repr(bundle) == "<ecgmm.Bundle: gated_fusion, 5 classes, bundle>"
    seconds = np.linspace(0, 10, 5000)
    millivolts = np.sin(2 * np.pi * seconds * np.arange(1, 13)[:, None])
    given: dict[str, Any] = {
        "millivolts": millivolts,
        "rate_hz": 500,
        "report": "Sinus rhythm. Left bundle branch block.",
    }
    assert bundle.predict(**given) == closed_run.predict(**given)
    assert bundle.metrics["test/auroc_macro"] == closed_run.metrics["test/auroc_macro"]
    assert bundle.temperature == closed_run.temperature
    assert "\n# gated_fusion on synthetic" in bundle.card
    assert "SYNTHETIC" in bundle.card


def test_a_bundle_holds_no_predictions_and_says_so(made: Path) -> None:
    bundle = ecgmm.load_bundle(made)
    with pytest.raises(DataError, match=r"predictions\.parquet is missing"):
        _ = bundle.predictions


@pytest.mark.slow
def test_a_bundle_needs_no_training_code(made: Path) -> None:
    code = (
        "import sys, ecgmm; print(ecgmm.load_bundle(sys.argv[1]).predict(report='Sinus rhythm').numbers);"
        "assert not {'lightning', 'ecgmm.training', 'wandb', 'hydra'} & set(sys.modules)"
    )
    surroundings = os.environ | {"PYTHONPATH": str(Path(ecgmm.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code, made], capture_output=True, text=True, env=surroundings)
    assert done.returncode == 0, done.stderr
    assert "NORM" in done.stdout


@pytest.mark.parametrize("name", ["run.json", "README.md", "example.safetensors", "model/model.safetensors"])
def test_a_damaged_or_missing_file_is_named(name: str, bundle: Path) -> None:
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match=f"{name} is not what bundle.json says; fetch the bundle again"):
        ecgmm.load_bundle(bundle)
    (bundle / name).unlink()
    with pytest.raises(DataError, match=f"{name} of the bundle is missing; fetch"):
        ecgmm.load_bundle(bundle)


def test_a_damaged_manifest_is_refused(bundle: Path) -> None:
    text = (bundle / "bundle.json").read_text()
    (bundle / "bundle.json").write_text(text.replace("gated_fusion", "gated_fusiom"))
    with pytest.raises(DataError, match="its digest is another"):
        ecgmm.load_bundle(bundle)
    (bundle / "bundle.json").write_text("{")
    with pytest.raises(DataError, match="holds no JSON"):
        ecgmm.load_bundle(bundle)
    (bundle / "bundle.json").unlink()
    with pytest.raises(DataError, match=r"bundle\.json is missing"):
        ecgmm.load_bundle(bundle)


def test_what_the_manifest_does_not_name_is_refused(bundle: Path, tmp_path: Path) -> None:
    extra = bundle / "model" / "more.py"
    extra.write_text("raise SystemExit")
    with pytest.raises(DataError, match=r"more\.py is no part of the bundle; remove it"):
        ecgmm.load_bundle(bundle)
    extra.unlink()
    extra.symlink_to(tmp_path)
    with pytest.raises(DataError, match=r"more\.py is no part of the bundle"):
        ecgmm.load_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/hostname", "model/../../outside", "model//x", "a\\b", "bundle.json"]
)
def test_a_manifest_that_leads_elsewhere_is_refused(name: str, bundle: Path) -> None:
    manifest(bundle, lambda content: content["files"].update({name: {"bytes": 0, "sha256": ""}}))
    with pytest.raises(DataError, match="names a file that no bundle has"):
        ecgmm.load_bundle(bundle)


def test_a_link_in_place_of_a_file_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    (bundle / "README.md").rename(tmp_path / "card")
    (bundle / "README.md").symlink_to(tmp_path / "card")
    with pytest.raises(DataError, match="is a link, which is not followed"):
        ecgmm.load_bundle(bundle)


def test_a_bundle_of_another_version_is_named(bundle: Path) -> None:
    manifest(bundle, lambda content: content.update(schema_version=99))
    with pytest.raises(DataError, match="has schema_version 99 and this program reads 1"):
        ecgmm.load_bundle(bundle)


def test_an_example_that_comes_out_otherwise_is_told(closed_run: ecgmm.Run, bundle: Path) -> None:
    """A model with other weights, sound in itself, under the example of the first."""
    from safetensors.torch import load_file, save_file

    weights = load_file(bundle / "model" / "model.safetensors")
    weights["head.bias"] = weights["head.bias"] + torch.eye(5)[0]
    save_file(weights, bundle / "model" / "model.safetensors")
    model = json.loads((bundle / "model" / "model.json").read_text())
    del model["sha256"]
    content = (bundle / "model" / "model.safetensors").read_bytes()
    model["files"]["model.safetensors"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    model["sha256"] = hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()
    (bundle / "model" / "model.json").write_text(json.dumps(model))

    def renew(whole: dict[str, Any]) -> None:
        for name in ("model/model.safetensors", "model/model.json"):
            content = (bundle / name).read_bytes()
            whole["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    manifest(bundle, renew)
    with pytest.raises(DataError, match="is answered with a difference of"):
        ecgmm.load_bundle(bundle)


def test_words_of_reports_keep_a_bundle_in_the_house(closed_run: ecgmm.Run, tmp_path: Path) -> None:
    run = ecgmm.load_run(closed_run.directory)
    model = run.model
    words = sorted(model.tokeniser.words, key=model.tokeniser.words.__getitem__)
    planted = WordTokeniser.of_words([*words[:-1], PLANTED])
    run.__dict__["model"] = replace(model, tokeniser=planted)  # in place of what is read when it is first asked for
    with pytest.raises(ConfigError, match=r"holds 1 words and 0 statements of training reports; train with text\.voc"):
        run.export(tmp_path / "bundle", "bundle")
    assert not list(tmp_path.iterdir())
    kept = run.export(tmp_path / "kept", "bundle", report_words="keep")
    assert kept.notes == ("it holds 1 words and 0 statements of training reports and must not leave the house",)
    assert ecgmm.load_bundle(kept.path).manifest.report_words == 1


def test_vocabularies_give_way_where_the_method_has_no_part_for_them() -> None:
    planted = StatementVocabulary([PLANTED, *known_statements()])
    for name, n_statements in (("ecg_only", 0), ("concat", 0), ("bag_of_statements", 1), ("ecg_doctor", 1)):
        model = replace(
            saved(name), statements=planted, tokeniser=WordTokeniser.of_words(["[PAD]", "[UNK]", "[SEP]", PLANTED])
        )
        given = vocabularies_to_give(model)
        assert given.n_statements == n_statements, name
        assert given.n_words == (0 if name in ("ecg_only", "bag_of_statements") else 1), name


def test_a_bundle_holds_nothing_of_persons_and_of_this_machine(
    closed_run: ecgmm.Run, made: Path, workspace: Path
) -> None:
    predictions = pl.read_parquet(closed_run.directory / "predictions.parquet")
    ids = {str(value) for name in ("record", "patient") for value in predictions[name].to_list() if len(str(value)) > 5}
    texts = {*ids, str(workspace), str(closed_run.directory), str(Path.home()), "wandb"}
    assert len(ids) > 20
    for path in made.rglob("*"):
        content = b"" if path.is_dir() else path.read_bytes()
        assert not [text for text in texts if text.encode() in content], path
    names = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert json.loads((made / "run.json").read_text())["data"]["participants"] is None
    assert not {"predictions.parquet", "config.yaml", "history.csv"} & names


def test_a_folder_that_is_there_is_left_alone(closed_run: ecgmm.Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is there already; name a folder that is not"):
        closed_run.export(tmp_path, "bundle")
