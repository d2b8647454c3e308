"""The page of GPUs: a section for each file, and how to make one where there is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.test_leaderboard import DOCS, hooks

STEP = {
    "ms": 12.34,
    "records_per_s": 20_745.0,
    "busy": 0.961,
    "waits": {},
    "waiting_calls": {},
    "flops_of_ceiling": 0.2,
    "bytes_of_ceiling": 0.51,
    "epoch_of_mimic_s": 38.6,
}
RESULT: dict[str, Any] = {
    "device": "One GPU",
    "asked": [{"asked": "the device works", "measured": "96.1%", "holds": True}],
    "busy": {"paper, 16-mixed": STEP},
    "environment": {
        "commit": "abc",
        "versions": {"ecgmm": "0.2.0", "torch": "2.13.0"},
        "hardware": {"gpu": "One GPU"},
    },
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in the place of ``docs/results/data``."""
    monkeypatch.setattr(hooks, "DATA", tmp_path)
    return tmp_path


def page() -> str:
    text: str = hooks.insert((DOCS / "results" / "gpus.md").read_text(encoding="utf-8"))
    return text


def test_without_a_file_the_page_says_that_none_was_run_and_how_to(data: Path) -> None:
    assert "None was run" in page()
    assert "python -m benchmarks.gpu --out docs/results/data/gpu.json" in page()


def test_each_file_is_a_section_with_what_was_asked_and_measured(data: Path) -> None:
    (data / "gpu.json").write_text(json.dumps(RESULT))
    row = {"parameters": 1_234_567, "ms": 50.0, "peak_bytes": 2_000_000, "waits": {"meit.py:9": 1}}
    other = [{"asked": "no waits", "measured": "meit (meit.py:9)", "holds": False}]
    (data / "gpu_two.json").write_text(json.dumps(RESULT | {"device": "Two", "asked": other, "rows": {"meit": row}}))
    text = page()
    assert "None was run" not in text
    assert text.index("## One GPU") < text.index("## Two")
    for line in (
        "| the device works | 96.1% | holds |",
        "| no waits | meit (meit.py:9) | **does not hold** |",
        "| paper, 16-mixed | 12.3 | 20,745 | 96% | 20% | 51% | 38.6 |",
        "| meit | 1,234,567 | 50 | 2,000,000 | meit.py:9 |",
    ):
        assert line in text
    assert "`gpu_two.json`" in text


def test_a_file_of_the_small_run_stops_the_building(data: Path) -> None:
    without = RESULT["environment"] | {"hardware": {"gpu": None}}
    (data / "gpu.json").write_text(json.dumps(RESULT | {"environment": without}))
    with pytest.raises(ValueError, match=r"gpu\.json is not of a GPU but of --small"):
        page()
