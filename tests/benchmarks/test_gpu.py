"""The benchmark of a GPU goes through every branch on a CPU, and what it counts is what is there."""

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.profiler_util import Interval

from benchmarks.gpu import busy, rows
from benchmarks.gpu.__main__ import QUESTIONS, main, measure
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.claims import claims
from benchmarks.gpu.waits import Waits, waiting_calls
from ecgmm.training.lightning.profile_steps import busy_us
from tests.models.building import LEARNT
from tests.test_leaderboard import loaded


@pytest.mark.slow
def test_every_branch_runs_on_a_cpu(
    tiny_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [f"paths.raw={tiny_store.parents[1]}/raw", f"paths.stores={tiny_store.parent}", "data.n_patients=90"]
    monkeypatch.setattr("sys.argv", ["gpu", "--small", *folders])
    main()
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(QUESTIONS) <= set(found)
    for figures in found["busy"].values():
        assert 0 < figures["busy"] <= 1.05
        assert figures["flops_of_ceiling"] > 0
        assert figures["epoch_of_mimic_s"] == pytest.approx(800_035 / figures["records_per_s"])
    assert [way["compilations"] > 0 for way in found["compiled"].values()] == [False, True, True]
    assert all(way["compilations_by_other_lengths"] == 0 for way in found["compiled"].values())
    assert set(found["precision"]) == {"32-true", "bf16-mixed", "16-mixed"}
    assert set(found["rows"]) == set(LEARNT)
    for line in found["asked"]:
        if "wait" in line["asked"] or "compile" in line["asked"]:
            assert line["holds"], line
    assert len(found["asked"]) == 6
    on_a_gpu = found["environment"] | {"hardware": found["environment"]["hardware"] | {"gpu": "One"}}
    with_peaks = {name: row | {"peak_bytes": 1} for name, row in found["rows"].items()}
    page = loaded("gpus").gpus({"gpu.json": found | {"environment": on_a_gpu, "rows": with_peaks}})
    assert all(name in page for name in LEARNT)


def test_without_a_gpu_only_the_small_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gpu"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit, match="2"):
        main()


def test_operations_that_wait_are_counted_by_name() -> None:
    values = torch.arange(4)
    with Waits() as waits:
        values[values > 1].sum().item()
        values[torch.tensor(1)]
    assert waits.counted["_local_scalar_dense"] >= 1
    assert waits.counted["index.Tensor"] == 1


def test_traffic_counts_each_tensor_that_is_read_or_written() -> None:
    layer, numbers = nn.ReLU(), torch.zeros(10, 10)
    with torch.no_grad(), busy.Traffic() as traffic:
        layer(numbers.view(100))
    assert traffic.n_bytes == 2 * 400, "a view moves nothing"


@pytest.mark.parametrize("name", ["gated_fusion", "meit"])
def test_rows_of_the_base_size_are_built_without_the_hub(name: str) -> None:
    assert rows.configured(name, small=False, n_words=300).size == "base"


def events(*of: tuple[str, str, int, int]) -> Any:
    """Events of a profile, of which name, device, beginning and end are looked at."""
    return [
        SimpleNamespace(
            name=name,
            device_type=SimpleNamespace(name=device),
            is_user_annotation=name == "part",
            time_range=Interval(*times),
        )
        for name, device, *times in of
    ]


def test_the_device_is_busy_while_something_runs_on_it_and_work_side_by_side_counts_once() -> None:
    found = events(
        ("part", "CUDA", 0, 100),
        ("kernel", "CUDA", 50, 60),
        ("aten::mm", "CPU", 0, 90),
        ("kernel", "CUDA", 10, 20),
        ("copy", "CUDA", 15, 30),
        ("copy", "CUDA", 16, 18),
    )
    assert busy_us(found) == 30


def test_calls_that_wait_count_within_the_part_alone() -> None:
    found = events(
        ("cudaDeviceSynchronize", "CPU", 0, 5),
        ("part", "CPU", 10, 100),
        ("part", "CUDA", 20, 200),
        ("cudaStreamSynchronize", "CPU", 30, 40),
        ("cudaLaunchKernel", "CPU", 40, 41),
        ("cudaDeviceSynchronize", "CPU", 100, 210),
    )
    assert waiting_calls(found, "part") == {"cudaStreamSynchronize": 1}


def test_what_does_not_hold_says_by_what() -> None:
    step = {"busy": 0.97, "waits": {}, "waiting_calls": {}, "records_per_s": 100.0}
    slow = step | {"waits": {"loader.py:7": 3}, "waiting_calls": {"cudaStreamSynchronize": 3}}
    found = {
        "busy": {"paper, 16-mixed": step, "resnet18, 32-true": slow, "resnet18, 16-mixed": step},
        "rows": {"meit": {"waits": {"meit.py:9": 1}}, "concat": {"waits": {}}},
        "compiled": {"plain": {"compilations_by_other_lengths": 0}},
        "too_large": ["ecg_doctor"],
    }
    judged = {(claim.measured, claim.holds) for claim in claims(found)}
    assert judged == {
        ("97.0%", True),
        ("1.00 times", False),
        ("resnet18, 32-true (loader.py:7, cudaStreamSynchronize)", False),
        ("plain 0", True),
        ("meit (meit.py:9)", False),
        ("not for ecg_doctor", False),
    }
    assert claims({"ceilings": {}}) == []


def test_what_is_too_large_for_the_device_is_named_and_the_rest_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: Any) -> Any:
        raise torch.OutOfMemoryError

    bench = Bench(torch.device("cpu"), small=True)
    monkeypatch.setattr(
        "benchmarks.gpu.__main__.QUESTIONS", {"ceilings": lambda *_: {"gb_per_s": 1}, "busy": too_large}
    )
    assert measure(bench) == {"ceilings": {"gb_per_s": 1}, "too_large": ["busy"]}


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_says_whether_all_holds_on_a_gpu(
    holds: bool, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gpu"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "One")
    monkeypatch.setattr("benchmarks.gpu.__main__.keep_freed_memory", lambda: None)
    rows = {"meit": {"waits": {} if holds else {"meit.py:9": 1}}}
    monkeypatch.setattr("benchmarks.gpu.__main__.measure", lambda *_: {"rows": rows})
    with pytest.raises(SystemExit, match="1") if code else nullcontext():
        main()
    said = capsys.readouterr().out.splitlines()
    assert json.loads(said[-1])["asked"][0]["holds"] is holds
    assert any(line.startswith("holds: " if holds else "does not hold: ") for line in said)
