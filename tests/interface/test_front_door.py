"""The front door: what ``import ecgmm`` offers does what the commands do, without Hydra."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import ecgmm
from ecgmm.errors import ConfigError, DataError
from ecgmm.leads import LEADS
from ecgmm.types import MISSING_SAMPLE

QUICK = {
    "recipe": "quick",
    "trainer__accelerator": "cpu",
    "trainer__max_epochs": 1,
    "page": False,
    "trainer__enable_progress_bar": False,
    "ecg_encoder__channels": [8, 16],
    "ecg_encoder__dim": 16,
    "evaluation__n_resamples": 20,
}


@pytest.fixture(scope="module")
def store(tiny_store: Path) -> ecgmm.OpenStore:
    return ecgmm.open_store(tiny_store)


@pytest.fixture(scope="module")
def run(store: ecgmm.OpenStore, tmp_path_factory: pytest.TempPathFactory) -> ecgmm.Run:
    return ecgmm.train(store, "gated_fusion", tmp_path_factory.mktemp("run") / "run", **QUICK)


def test_the_modules_of_commands_do_not_stand_in_the_way() -> None:
    for name in ("train", "prepare"):
        module = importlib.import_module(f"ecgmm.{name}")
        assert module.main is not getattr(ecgmm, name)
        assert getattr(ecgmm, name).__module__.startswith("ecgmm.interface.")


def test_all_names_are_there_and_no_others() -> None:
    assert [name for name in ecgmm.__all__ if not hasattr(ecgmm, name)] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ecgmm.no_such_name


def test_a_record_shows_what_the_store_holds(store: ecgmm.OpenStore) -> None:
    record = store.record(17)
    steps = store.waveforms[17]
    there = steps != MISSING_SAMPLE
    in_mv = steps * store.manifest["uv_per_step"] / 1000
    assert np.allclose(record.millivolts[there], in_mv[there])
    assert np.isnan(record.millivolts[~there]).all()
    assert record.statements == store.reports["statements"][store.records["report"][17]].to_list()
    assert set(record.labels("superclass") or {}) <= {"NORM", "MI", "STTC", "CD", "HYP"}
    assert repr(record) == f"<ecgmm.Record: row 17 of {store.path.name}, 10 s at 100 Hz>"


def test_rows_that_are_not_there_are_refused(store: ecgmm.OpenStore) -> None:
    for row in (-1, store.records.height):
        with pytest.raises(ConfigError, match="rows 0 to"):
            store.record(row)


def test_a_record_is_drawn_at_full_size(store: ecgmm.OpenStore) -> None:
    record = store.record(0)
    figure, same = ecgmm.plot(record), ecgmm.plot(record.millivolts, record.rate_hz)
    assert figure.get_size_inches() * 25.4 == pytest.approx((260, 100))  # 10 mm and 10 s, four rows
    assert [line.get_label() for line in figure.axes[0].lines] == [line.get_label() for line in same.axes[0].lines]
    with pytest.raises(ValueError, match="rate_hz"):
        ecgmm.plot(record.millivolts)


def test_stores_are_listed(store: ecgmm.OpenStore) -> None:
    assert store.fingerprint in [listed.fingerprint for listed in ecgmm.stores(store.path.parent)]


def test_a_method_is_built_with_the_weights_of_its_seed(store: ecgmm.OpenStore) -> None:
    small = {"recipe": "quick", "ecg_encoder__channels": [8, 16], "ecg_encoder__dim": 16}
    one, same, other = (ecgmm.build("gated_fusion", store, seed=seed, **small) for seed in (1, 1, 2))
    first, again, others = ([*method.parameters()] for method in (one, same, other))
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, others))
    with pytest.raises(ConfigError, match=r"optimizer\.lr"):
        ecgmm.build("gated_fusion", store, lr=1)


def test_a_run_is_that_of_the_command(
    run: ecgmm.Run, quick_settings: list[str], tmp_path: Path, command: Callable[..., int]
) -> None:
    own = ["trainer.max_epochs=1", f"paths.outputs={tmp_path}", "data.rate_hz=100"]
    assert command("train", *quick_settings, *own, "batch_size=64") == 0
    [metrics] = tmp_path.rglob("metrics.json")
    assert (run.directory / "metrics.json").read_bytes() == metrics.read_bytes()


def test_a_model_works_on_batches_records_and_arrays(run: ecgmm.Run, store: ecgmm.OpenStore) -> None:
    batch = run.batches(store, "test", size=8).first()
    output = run.model(batch)
    saved = run.predictions.filter(split="test").sort("row")
    classes = [f"probability.{name}" for name in run.facts.labels.classes]
    assert torch.allclose(output.logits.softmax(1), torch.from_numpy(saved[:8][classes].to_numpy()).float(), atol=0.02)

    record = store.record(int(batch.rows[0]))
    shuffled = [*LEADS[6:], *LEADS[:6]]
    there = run.predict(report=". ".join(record.statements), millivolts=record.millivolts, rate_hz=100)
    moved = run.predict(
        report=". ".join(record.statements),
        millivolts=np.vstack([record.millivolts[6:], record.millivolts[:6]]),
        rate_hz=100,
        leads=shuffled,
    )
    assert there == moved
    numbers = [there.numbers[name] for name in run.facts.labels.classes]
    assert numbers == pytest.approx(output.logits.softmax(1)[0].tolist(), abs=0.02)


def test_wrong_arrays_are_refused(run: ecgmm.Run) -> None:
    flat = np.zeros((12, 1000))
    with pytest.raises(ConfigError, match="rate_hz"):
        run.predict(millivolts=flat)
    with pytest.raises(ConfigError, match="shape"):
        run.predict(millivolts=flat.T, rate_hz=100)
    with pytest.raises(ConfigError, match="once"):
        run.predict(millivolts=flat, rate_hz=100, leads=["I"] * 12)
    with pytest.raises(DataError, match="no signal"):
        run.predict(millivolts=flat, rate_hz=100)


def test_a_finished_run_is_opened_and_tabled(run: ecgmm.Run, store: ecgmm.OpenStore) -> None:
    again = ecgmm.load_run(run.directory)
    assert again.metrics == run.metrics
    table = ecgmm.table2(run.directory, n_resamples=20)
    assert "SYNTHETIC" in table.to_markdown()
    with pytest.raises(DataError, match="no finished run"):
        ecgmm.load_run(store.path / "nothing")


BLOCK = """
import sys
import ecgmm
store = ecgmm.open_store({store!r})
record = store.record(17); record.millivolts, record.statements, record.labels("superclass")
ecgmm.plot(record)
run = ecgmm.train(store, method="gated_fusion", directory={run!r}, recipe="quick", trainer__max_epochs=1, page=False)
run = ecgmm.load_run({run!r}); run.metrics, run.facts, run.predictions
batch = run.batches(store, "test", size=32).first(); output = run.model(batch)
run.predict(millivolts=record.millivolts, rate_hz=record.rate_hz, report="Sinus rhythm.")
method = ecgmm.build("gated_fusion", store)
ecgmm.table2({run!r}, n_resamples=20).to_markdown()
synthetic = ecgmm.prepare("synthetic", rate_hz=100, n_patients=40)
recording = next(synthetic.path.parents[1].glob("raw/*/files/*/*/*/*.hea"))
run.predict(recording.with_suffix(""), "Sinus rhythm.")
assert not [name for name in sys.modules if name.partition(".")[0] == "hydra"]
"""


@pytest.mark.slow
def test_the_whole_door_works_in_a_process_that_never_imports_hydra(store: ecgmm.OpenStore, tmp_path: Path) -> None:
    code = BLOCK.format(store=str(store.path), run=str(tmp_path / "run"))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize("page", ["README.md", "docs/reference/api.md"])
def test_the_python_of_the_documents_calls_what_is_there(page: str) -> None:
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    block = re.search(r"^    import ecgmm\n(?:(?:    .*)?\n)+", text, re.MULTILINE)
    assert block is not None
    calls = [node for node in ast.walk(ast.parse(textwrap.dedent(block[0]))) if isinstance(node, ast.Call)]
    owners = {"ecgmm": ecgmm, "store": ecgmm.OpenStore, "run": ecgmm.Run}
    checked = 0
    for call in calls:
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            called = inspect.unwrap(getattr(owners[call.func.value.id], call.func.attr))
            if inspect.isfunction(called):
                own = [None] * (call.func.value.id != "ecgmm")  # self
                inspect.signature(called).bind(*own, *call.args, **{word.arg or "": None for word in call.keywords})
                checked += 1
    assert checked >= 5
