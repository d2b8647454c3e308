"""Prediction says what speaks against its numbers, and gives none where there is nothing to look at."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecgmm.types import MISSING_SAMPLE
from tests.data.preparation.test_single_record import beats
from tests.data.trees import write_record

Command = Callable[..., int]
WORDS = "Sinus rhythm. Normal ECG."


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def run(command: Command, quick_settings: list[str], runs: Path) -> Callable[..., Path]:
    """A finished run with these overrides, trained once."""

    def trained(*overrides: str) -> Path:
        path = runs / "-".join(overrides).replace("=", "-")
        if not (path / "model").exists():
            settings = [*quick_settings, "trainer.max_epochs=1", *overrides, f"hydra.run.dir={path}"]
            assert command("train", *settings) == 0
        return path

    return trained


@pytest.fixture
def predict(command: Command, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def predicted(run: Path, *arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = command("predict", f"run='{run}'", *arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return predicted


@pytest.fixture
def fusion(run: Callable[..., Path]) -> Path:
    return run("method=gated_fusion")


Predict = Callable[..., tuple[int, str, str]]


def test_a_sound_record_needs_no_word(fusion: Path, predict: Predict, tmp_path: Path) -> None:
    steps = beats(0)
    write_record(tmp_path / "1", steps)
    code, out, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert len(out.splitlines()) == 6
    assert "note:" not in err


def white_noise(steps: np.ndarray) -> None:
    steps[:] = np.random.default_rng(0).normal(0, 200, steps.shape)


def flat_leads(steps: np.ndarray) -> None:
    steps[[1, 7]] = 12


def drifting(steps: np.ndarray) -> None:
    steps += np.linspace(0, 600, steps.shape[1], dtype=np.int16)


def half_missing(steps: np.ndarray) -> None:
    steps[:, ::2] = MISSING_SAMPLE


def spike(steps: np.ndarray) -> None:
    steps[3, 2000:2003] = 8000


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (white_noise, "noise of 0.3"),
        (white_noise, "quality is 0.0"),
        (flat_leads, "without any signal: II, V2"),
        (drifting, "baseline drifts by 2"),
        (half_missing, "50.0% of the samples are missing"),
        (spike, "limited to 10 mV, as in training"),
    ],
)
def test_faults_of_the_signal_are_said(
    fusion: Path, predict: Predict, tmp_path: Path, change: Callable[[np.ndarray], None], note: str
) -> None:
    steps = beats(0)
    change(steps)
    write_record(tmp_path / "1", steps)
    code, out, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert len(out.splitlines()) == 6  # the numbers stay what a program can read
    assert note in err
    assert all(line.startswith("note: ") for line in err.splitlines())


@pytest.mark.parametrize(("rate", "n", "note"), [("100", 1000, ""), ("250", 2500, ""), ("500", 2500, "has 5 s")])
def test_another_rate_or_length_is_said(
    fusion: Path, predict: Predict, tmp_path: Path, rate: str, n: int, note: str
) -> None:
    write_record(tmp_path / "1", beats(0, n), rate=rate)
    code, _, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert note in err


def test_clipped_leads_are_said(fusion: Path, predict: Predict, tmp_path: Path) -> None:
    write_record(tmp_path / "1", np.clip(beats(0, 1000), -2, 2), rate="100")
    code, _, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert "lies at its largest or smallest value, as if clipped" in err


@pytest.mark.parametrize("value", [0, 7, MISSING_SAMPLE])
@pytest.mark.parametrize("more", [[], [f"report='{WORDS}'"]])
def test_a_record_without_signal_gives_no_number(
    fusion: Path, predict: Predict, tmp_path: Path, value: int, more: list[str]
) -> None:
    write_record(tmp_path / "1", np.full((12, 5000), value, np.int16))
    code, out, err = predict(fusion, f"record={tmp_path}/1", *more)
    assert (code, out) == (2, "")
    assert "leave record=... out" in err


@pytest.mark.parametrize("report", ["''", "' '", "'. , ;'", "'\t\t'", "'---'"])
def test_an_empty_report_gives_no_number(fusion: Path, predict: Predict, tmp_path: Path, report: str) -> None:
    code, out, err = predict(fusion, f"report={report}")
    assert (code, out) == (2, "")
    assert "the report has 0 words" in err
    write_record(tmp_path / "1", beats(0))
    code, out, err = predict(fusion, f"record={tmp_path}/1", f"report={report}")
    assert code == 0
    assert "gate                     1.000" in out
    assert "note: the report has 0 words, fewer than 1, and counts as missing" in err


def test_a_report_that_the_policy_hides_gives_no_number(run: Callable[..., Path], predict: Predict) -> None:
    masked = run("method=gated_fusion", "text.policy=masked")
    code, out, err = predict(masked, "report='Sinus rhythm. Acute infarct.'")
    assert code in (0, 2)
    assert "hidden by text.policy=masked" in err
    code, out, err = predict(masked, "report='Inferior infarct.'")
    assert (code, out) == (2, "")
    assert "nothing is left of the report" in err


def test_words_that_the_model_does_not_know_are_counted(fusion: Path, predict: Predict) -> None:
    code, _, err = predict(fusion, "report='Sinus rhythm with xyzzy and plugh.'")
    assert code == 0
    assert "of 6 words of the report are not known to the model" in err
    assert "no statement of the report is one that the model was trained with" in err
    code, _, err = predict(fusion, f"report='{' '.join(f'word{k}' for k in range(400))}'")
    assert code == 0
    assert "longer than preparation takes, and was shortened" in err
    code, _, err = predict(fusion, f"report='{'. '.join(f'word{k} again' for k in range(150))}'")
    assert code == 0
    assert "tokens that the model reads, and was cut" in err


def test_a_flipped_bit_gives_no_number(fusion: Path, predict: Predict, tmp_path: Path) -> None:
    write_record(tmp_path / "1", beats(0))
    content = bytearray((tmp_path / "1.dat").read_bytes())
    content[6001] ^= 0x40
    (tmp_path / "1.dat").write_bytes(content)
    code, out, err = predict(fusion, f"record={tmp_path}/1")
    assert (code, out) == (2, "")
    assert "checksum wrong" in err


def test_a_model_from_before_these_facts_still_predicts(fusion: Path, predict: Predict, tmp_path: Path) -> None:
    import json

    old = shutil.copytree(fusion, tmp_path / "old")
    facts = json.loads((old / "model" / "model.json").read_text())
    del facts["store"]["parameters"], facts["files"], facts["sha256"]
    (old / "model" / "model.json").write_text(json.dumps(facts))
    write_record(tmp_path / "1", beats(0))
    assert predict(old, f"record={tmp_path}/1")[:2] == predict(fusion, f"record={tmp_path}/1")[:2]
