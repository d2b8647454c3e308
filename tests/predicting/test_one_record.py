"""Prediction says what speaks against its numbers, and gives none where there is nothing to look at."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ecgmm
from ecgmm.errors import ConfigError, DataError
from ecgmm.leads import LEADS
from ecgmm.predicting.prediction import predict_record
from ecgmm.types import MISSING_SAMPLE
from tests.data.preparation.test_single_record import beats
from tests.data.trees import write_record
from tests.predicting.conftest import Predict

WORDS = "Sinus rhythm. Normal ECG."
LINES = 5 + 4
"""Of standard output for a waveform: a line each for five classes, decision, set, gate and quality."""


def test_a_sound_record_needs_no_word(fusion: ecgmm.Run, predict: Predict, tmp_path: Path) -> None:
    steps = beats(0)
    write_record(tmp_path / "1", steps)
    code, out, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert len(out.splitlines()) == LINES
    assert "note:" not in err


def noisy(steps: np.ndarray) -> None:
    steps[:] = 3 * steps + np.random.default_rng(0).normal(0, 80, steps.shape)


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
        (noisy, "noise of 0.1"),
        (noisy, "quality is 0.3"),
        (flat_leads, "without any signal: II, V2"),
        (drifting, "baseline drifts by 2"),
        (half_missing, "50.0% of the samples are missing"),
        (spike, "limited to 10 mV, as in training"),
    ],
)
def test_faults_of_the_signal_are_said(
    fusion: ecgmm.Run, predict: Predict, tmp_path: Path, change: Callable[[np.ndarray], None], note: str
) -> None:
    steps = beats(0)
    change(steps)
    write_record(tmp_path / "1", steps)
    code, out, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert len(out.splitlines()) == LINES  # the numbers stay what a program can read
    assert note in err
    assert all(line.startswith("note: ") for line in err.splitlines())


@pytest.mark.parametrize(
    ("rate", "n", "note"),
    [("100", 1000, ""), ("250", 2500, ""), ("500", 2500, "has 5 s"), ("500", 15000, "has 30 s, of which the model")],
)
def test_another_rate_or_length_is_said(
    fusion: ecgmm.Run, predict: Predict, tmp_path: Path, rate: str, n: int, note: str
) -> None:
    write_record(tmp_path / "1", beats(0, n), rate=rate)
    code, _, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert note in err


def test_clipped_leads_are_said(fusion: ecgmm.Run, predict: Predict, tmp_path: Path) -> None:
    waves = 300 * np.sin(np.arange(1000) / 14) * np.linspace(0.9, 1.1, 12)[:, None]
    write_record(tmp_path / "1", np.clip(waves, -200, 200).astype(np.int16), rate="100")
    code, _, err = predict(fusion, f"record={tmp_path}/1")
    assert code == 0
    assert "lies at its largest or smallest value, as if clipped" in err


@pytest.mark.parametrize("value", [0, 7, MISSING_SAMPLE])
@pytest.mark.parametrize("more", [[], [f"report='{WORDS}'"]])
def test_a_record_without_signal_gives_no_number(
    fusion: ecgmm.Run, predict: Predict, tmp_path: Path, value: int, more: list[str]
) -> None:
    write_record(tmp_path / "1", np.full((12, 5000), value, np.int16))
    code, out, err = predict(fusion, f"record={tmp_path}/1", *more)
    assert (code, out) == (2, "")
    assert "leave record=... out" in err


@pytest.mark.parametrize("report", ["''", "' '", "'. , ;'", "'\t\t'", "'---'"])
def test_an_empty_report_gives_no_number(fusion: ecgmm.Run, predict: Predict, tmp_path: Path, report: str) -> None:
    code, out, err = predict(fusion, f"report={report}")
    assert (code, out) == (2, "")
    assert "the report has 0 words" in err
    write_record(tmp_path / "1", beats(0))
    code, out, err = predict(fusion, f"record={tmp_path}/1", f"report={report}")
    assert code == 0
    assert "gate: 1.000 of the waveform" in out
    assert "note: the report has 0 words, fewer than 1, and counts as missing" in err


def test_a_report_that_the_policy_hides_gives_no_number(fusion: ecgmm.Run) -> None:
    masked = replace(fusion.model, facts=fusion.model.facts.model_copy(update={"text_policy": "masked"}))
    notes = predict_record(masked, None, "Sinus rhythm. Acute infarct.").notes
    assert any("hidden by text.policy=masked" in note for note in notes)
    with pytest.raises(ConfigError, match="nothing is left of the report"):
        predict_record(masked, None, "Inferior infarct.")


def test_words_that_the_model_does_not_know_are_counted(fusion: ecgmm.Run, predict: Predict) -> None:
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


def test_a_flipped_bit_gives_no_number(fusion: ecgmm.Run, predict: Predict, tmp_path: Path) -> None:
    write_record(tmp_path / "1", beats(0))
    content = bytearray((tmp_path / "1.dat").read_bytes())
    content[6001] ^= 0x40
    (tmp_path / "1.dat").write_bytes(content)
    code, out, err = predict(fusion, f"record={tmp_path}/1")
    assert (code, out) == (2, "")
    assert "checksum wrong" in err


def test_a_model_from_before_these_facts_still_predicts(fusion: ecgmm.Run, tmp_path: Path) -> None:
    old = shutil.copytree(fusion.directory, tmp_path / "old")
    facts = json.loads((old / "model" / "model.json").read_text())
    del facts["store"]["parameters"], facts["files"], facts["sha256"], facts["calibration"]
    (old / "model" / "model.json").write_text(json.dumps(facts))
    write_record(tmp_path / "1", beats(0))
    assert ecgmm.load_run(old).predict(tmp_path / "1") == fusion.predict(tmp_path / "1")


@pytest.mark.parametrize(("amplitude_mv", "rate_hz"), [(0.01, 500), (0.05, 250), (0.2, 500), (1.0, 1000)])
def test_white_noise_is_refused_however_small(fusion: ecgmm.Run, amplitude_mv: float, rate_hz: float) -> None:
    noise_mv = np.random.default_rng(0).normal(0, amplitude_mv, (12, int(10 * rate_hz)))
    with pytest.raises(DataError, match="noise without heart beats"):
        fusion.predict(millivolts=noise_mv, rate_hz=rate_hz)


def test_less_than_a_beat_is_refused(fusion: ecgmm.Run, tmp_path: Path) -> None:
    write_record(tmp_path / "1", beats(0, 250))
    with pytest.raises(DataError, match=r"has 0\.5 s, too short for a heart beat"):
        fusion.predict(tmp_path / "1")


def test_eight_leads_are_completed_and_said(fusion: ecgmm.Run) -> None:
    leads = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    rows = [LEADS.index(name) for name in leads]
    found = fusion.predict(millivolts=np.maximum(beats(0), -1000)[rows] / 200, rate_hz=500, leads=leads)
    assert "computed from I and II: III, aVR, aVL, aVF" in found.notes


def test_a_spike_of_40_mv_is_said(fusion: ecgmm.Run) -> None:
    millivolts = np.maximum(beats(0), -1000) / 200
    millivolts[3, 2000] = 40.0
    found = fusion.predict(millivolts=millivolts, rate_hz=500)
    assert any("a spike or a wrong gain" in note for note in found.notes)
    millivolts[3, 2000:2005] = 40.0
    assert any("limited to 10 mV" in note for note in fusion.predict(millivolts=millivolts, rate_hz=500).notes)


def test_a_report_alone_has_no_signal_and_a_waveform_alone_no_words(fusion: ecgmm.Run, tmp_path: Path) -> None:
    write_record(tmp_path / "1", beats(0))
    alone, waveform = fusion.predict(report=WORDS), fusion.predict(tmp_path / "1")
    assert (alone.signal, waveform.n_words) == (None, None)
    assert (alone.n_words, alone.n_unknown_words) == (4, 0)


def test_a_coverage_that_the_model_does_not_keep_is_refused(fusion: ecgmm.Run, predict: Predict) -> None:
    with pytest.raises(ConfigError, match=r"coverage is 0\.93; choose one of 0\.5"):
        fusion.predict(report=WORDS, coverage=0.93)
    code, _, err = predict(fusion, f"report='{WORDS}'", "coverage=0.93")
    assert (code, "coverage is 0.93" in err) == (2, True)
