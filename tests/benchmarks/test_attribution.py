"""The benchmark of explanations finds the records with a finding, and says numbers that can be."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import attribution


@pytest.mark.slow
def test_shares_and_checks_of_a_small_run(
    command: Callable[..., int],
    quick_settings: list[str],
    workspace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    assert command("train", *quick_settings, "method=ecg_only", "trainer.max_epochs=1", f"hydra.run.dir={run}") == 0
    arguments = [str(run), "--stores", str(workspace / "stores"), "--split", "train"]
    arguments += ["--records", "3", "--checked", "2"]
    monkeypatch.setattr("sys.argv", ["attribution", *arguments])
    capsys.readouterr()
    attribution.main()
    [found] = json.loads(capsys.readouterr().out.splitlines()[-1])["results"].values()
    for name, least, most in (("bundle branch block", 0.08, 0.25), ("ischaemia", 0.2, 0.5)):
        assert least < found[name]["time_share"] < most
        for ratio in found[name]["ratios"].values():
            assert 0 < ratio["low"] <= ratio["value"] <= ratio["high"] < 1 / least
    assert "atrial fibrillation" not in found  # a class of another label set
    assert 0 <= found["integrated_gradients"]["complete"] <= 1
    assert "complete" not in found["occlusion"]
