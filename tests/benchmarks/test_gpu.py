"""The benchmark of a GPU goes through every branch on a CPU, and what it counts is what is there."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from benchmarks.gpu import busy, rows
from benchmarks.gpu.__main__ import QUESTIONS, main
from benchmarks.gpu.waits import Waits
from tests.models.building import LEARNT
from tests.models.test_no_waiting import WAITING


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
    waiting = {name for name, row in found["rows"].items() if row["waits"]}
    assert waiting == set(WAITING), "the same that the tests of waiting name"


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
