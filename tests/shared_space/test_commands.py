"""Retrieval and zero-shot of a trained run, from the command line; nothing of a report is in what they write."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import ecgmm
from ecgmm.building import construct
from ecgmm.errors import UserError
from ecgmm.runs.run import Run
from ecgmm.shared_space import readings, zero_shot_rows
from ecgmm.shared_space import retrieval as table
from ecgmm.shared_space.asking import Question, RandomTowers, Reader, answers, in_place
from ecgmm.shared_space.opening import Opened, open_run
from ecgmm.shared_space.zero_shot_lines import Asked
from ecgmm.training.measured_records import MeasuredRecords
from tests.tiny_runs import QUICK

pytestmark = pytest.mark.slow
Command = Callable[..., int]


@pytest.fixture(scope="module")
def run(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that left out MI."""
    folder = tmp_path_factory.mktemp("shared_space") / "clip"
    settings = {**QUICK, "method__unseen_classes": ["MI"]}
    ecgmm.train(ecgmm.open_store(tiny_store), "ecg_clip", folder, **settings, page=False)
    return folder


@pytest.fixture(scope="module")
def opened(run: Path, tiny_store: Path) -> Opened:
    found = open_run(Run.open(run), MeasuredRecords(stores=tiny_store.parent))
    assert found is not None
    return found


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_zero_shot_of_the_class_that_was_left_out(
    run: Path, tiny_store: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [f"run={run}", f"paths.stores={tiny_store.parent}", f"out={tmp_path}", "n_resamples=5", "n_draws=2"]
    assert command("zero_shot", *common) == 0
    lines = rows(tmp_path / "zero_shot_unseen.csv")
    assert {line["classes"] for line in lines} == {"MI"}
    read_by = {line["read_by"] for line in lines}
    assert {*readings.WORDS, readings.CONSTANT, readings.MEAN_OF_SEEN, readings.RANDOM} < read_by
    assert {line["runs"] for line in lines if line["read_by"] == readings.RANDOM} == {"2"}
    of_run = next(row.auroc for row in Run.open(run).metrics.per_class if row.name == "MI")
    heard = next(line for line in lines if line["read_by"] == readings.HEARD and line["measure"] == "auroc/MI")
    assert float(heard["value"]) == pytest.approx(of_run, abs=0.02)  # bfloat16 there, 32 bits here
    texts = (tmp_path / "zero_shot_unseen.md").read_text(encoding="utf-8")
    assert "infarct, old" not in texts  # statements of training are counted, not shown

    assert command("zero_shot", *common, "labels=rhythm") == 2
    assert "all runs left classes out" in capsys.readouterr().err


def test_retrieval_says_on_which_records_and_a_store_can_be_named(
    run: Path, tiny_store: Path, tmp_path: Path, command: Command
) -> None:
    common = [f"run={run}", f"paths.stores={tiny_store.parent}", "n_resamples=5", "n_pools=3", "split=val"]
    assert command("retrieval", *common, f"out={tmp_path / 'own'}") == 0
    assert command("retrieval", *common, f"out={tmp_path / 'named'}", f"store={tiny_store}") == 0
    own, named = (rows(tmp_path / name / "retrieval.csv") for name in ("own", "named"))
    assert own == named
    assert {line["row"] for line in own} == {"ecg_clip"}
    assert all(float(line["low"]) <= float(line["value"]) <= float(line["high"]) for line in own)
    notes = [(tmp_path / name / "retrieval_table.csv").read_text(encoding="utf-8") for name in ("own", "named")]
    assert notes[0].startswith("# SYNTHETIC")
    assert ", val split: " in notes[0]
    assert f"measured on {tiny_store.name} (SYNTHETIC), val split: " in notes[1]
    assert not [text for text in notes if "test split" in text]


def test_a_row_without_a_shared_space_is_named(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "open_run", lambda run, records: None)
    with pytest.raises(UserError, match="ecg_clip: waveforms and reports have no space in common"):
        table.retrieval([opened.run], opened.records, table.Wishes())


def test_other_labels_are_read_by_similarity_alone(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened.method, "unseen_classes", ())  # as if it had had all labels
    monkeypatch.setattr(zero_shot_rows, "open_run", lambda run, records: opened)
    labels = OmegaConf.create({"name": "rhythm", "priority": []})
    asked = Asked(labels, least_cases=2, n_draws=1, n_resamples=20)
    found = zero_shot_rows.zero_shot([opened.run], opened.records, asked)
    assert found.labels == "rhythm"
    (classes,) = {one.classes for one in found.lines}
    assert set(classes) <= {"SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "PACE"}


def test_a_random_tower_leaves_and_the_trained_one_returns(opened: Opened) -> None:
    """The tower is that of a whole method that is built with the seed."""
    trained = {name: value.clone() for name, value in opened.method.state_dict().items()}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        born = construct(opened.served.model.facts.method).state_dict()
    with in_place(opened.method, RandomTowers().of(opened, 1)):
        inside = opened.method.state_dict()
        for name, value in inside.items():
            assert torch.equal(value, (born if name.startswith("ecg_encoder.") else trained)[name])
    after = opened.method.state_dict()
    assert all(torch.equal(after[name], value) for name, value in trained.items())


def test_runs_that_are_asked_together_answer_as_each_alone_and_with_reports(opened: Opened, tiny_store: Path) -> None:
    other = open_run(opened.run, MeasuredRecords(stores=tiny_store.parent))
    assert other is not None
    towers = RandomTowers()
    drawn = [towers.of(one, 1)["ecg_encoder"] for one in (opened, other)]
    assert drawn[0] is drawn[1]  # encodes a batch once for both
    prompts = readings.prompts_of(other.texts, readings.NAMES, other.method.heard, other.device)
    questions = [
        {("own", 0): Question({})},
        {("names", 0): Question({"plain_prompts": prompts, "ecg_encoder": drawn[1]})},
    ]
    readers = [Reader.of(one, asked) for one, asked in zip((opened, other), questions, strict=True)]
    own, names = (next(iter(one.values())) for one in answers(readers))
    rows = opened.rows
    with torch.inference_mode():
        expected = torch.cat([opened.method(batch).logits for batch in opened.batches(rows)])
        opened.method.plain_prompts, kept = prompts, opened.method.plain_prompts
        with in_place(opened.method, {"ecg_encoder": drawn[0]}):
            expected_names = torch.cat([opened.method(batch).logits for batch in opened.batches(rows)])
        opened.method.plain_prompts = kept
    np.testing.assert_allclose(own, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(names, expected_names, rtol=1e-5, atol=1e-5)
    assert not np.allclose(own, names, atol=1e-2)
