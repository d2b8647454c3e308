"""Figure 2: which records it shows, what was done to them, and that nothing tells whose they are."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hydra import compose, initialize_config_dir
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from omegaconf import OmegaConf

from ecgmm.configuration import CONF_DIR
from ecgmm.data.store.store import Store
from ecgmm.leads import LEADS
from ecgmm.reporting.damaged_records import choose_examples
from ecgmm.reporting.drawing import save
from ecgmm.reporting.figure2 import before_and_after, build, main
from ecgmm.runs.loading import build_preparation
from ecgmm.runs.run import find_runs
from ecgmm.runs.saved_model import Waveform
from ecgmm.types import MISSING_SAMPLE
from tests.data.trees import write_store
from tests.reporting.simulated_runs import write_run

RATE_HZ, N_TIMES, UV_PER_STEP = 100, 1000, 5.0
CLEAN, ROUGH, DRIFT, MISSING, MOST_MISSING, FLAT, FLAT_TOO, SPIKE, HIDDEN_SPIKE, IN_TRAINING = range(10)
N_RECORDS = 40
RECORD, PATIENT = 40_123_456, 10_987_654


def steps() -> NDArray[np.int16]:
    """Beats of 1 mV once a second, with a little noise; the first records are damaged or clean, the others drift."""
    rng = np.random.default_rng(0)
    time_s = np.arange(N_TIMES) / RATE_HZ
    beats = np.exp(-((((time_s % 1) - 0.5) / 0.02) ** 2))
    noise_mv = np.full(N_RECORDS, 0.05)
    noise_mv[CLEAN] = 0.01
    drift_mv = np.full(N_RECORDS, 0.3)
    drift_mv[[CLEAN, ROUGH]] = 0
    drift_mv[DRIFT] = 2.0
    mv = beats + rng.normal(size=(N_RECORDS, 12, N_TIMES)) * noise_mv[:, None, None]
    mv += (drift_mv[:, None] * np.sin(time_s / 2))[:, None]
    mv[SPIKE, LEADS.index("V1"), 500] = 14.0
    mv[HIDDEN_SPIKE, LEADS.index("V1"), 499] = 16.0  # the sheet shows V1 from sample 500
    found: NDArray[np.int16] = (mv * 1000 / UV_PER_STEP).round().astype(np.int16)
    found[FLAT, LEADS.index("V3")] = 0
    found[FLAT_TOO, LEADS.index("I")] = 0
    found[MISSING, :, 300:400] = MISSING_SAMPLE
    found[MOST_MISSING, :, 100:800] = MISSING_SAMPLE
    found[IN_TRAINING, :, 100:500] = MISSING_SAMPLE
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    waveforms = steps()
    records = pl.DataFrame(
        {
            "record": RECORD + np.arange(N_RECORDS),
            "patient": PATIENT + np.arange(N_RECORDS),
            "split": np.where(np.arange(N_RECORDS) == IN_TRAINING, "train", "test"),
            "has_waveform": [True] * N_RECORDS,
            "missing_share": (waveforms == MISSING_SAMPLE).mean(axis=(1, 2)),
            "flat_leads": (np.ptp(waveforms, axis=2) == 0).sum(axis=1),
        }
    )
    manifest = {"n_times": N_TIMES, "rate_hz": RATE_HZ, "uv_per_step": UV_PER_STEP, "parameters": {}}
    lead_statistics = {"lead_mean_mv": [0.01] * 12, "lead_std_mv": [0.2] * 12}
    path = tmp_path_factory.mktemp("stores") / "store"
    return write_store(path, waveforms, records, pl.DataFrame({"text": ["a"]}), manifest | lead_statistics)


def run_on(folder: Path, store: Store, **changed: object) -> Path:
    """A finished run whose configuration names the store."""
    data = {
        "name": "synthetic",
        "fingerprint": store.fingerprint,
        "synthetic": True,
        "splits": [{"split": "test", "records": 39, "patients": 39}],
    }
    run = write_run(folder / "run", "gated_fusion", 1, data=data | changed)
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        config = compose("train", [f"data.store={store.path}", "data.rate_hz=100"])
    config.data.stores, config.data.raw = "s", "r"
    OmegaConf.save({"data": config.data, "waveform": {"limit_mv": 10.0, "highpass_hz": None}}, run / "config.yaml")
    return run


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def test_examples_are_chosen_as_documented(store: Store) -> None:
    examples = choose_examples(store, limit_mv=10.0)
    assert [example.row for example in examples] == [CLEAN, MISSING, FLAT, DRIFT, SPIKE]
    titles = [example.title for example in examples]
    assert titles[:3] == ["Clean", "Missing samples: 10.0 % of the record", "Flat lead: V3"]
    assert titles[3].startswith("Baseline drift: 3.") or titles[3].startswith("Baseline drift: 4.")
    assert titles[4] == "Spike: 14.0 mV in lead V1"
    assert [example.row for example in choose_examples(store, limit_mv=20.0)][-1] == DRIFT


def test_before_has_gaps_and_after_is_what_the_method_sees_in_millivolts(store: Store) -> None:
    preparation = build_preparation(store.manifest, Waveform(limit_mv=10.0, highpass_hz=None))
    before, after = before_and_after(np.array(store.waveforms[MISSING]), preparation)
    np.testing.assert_array_equal(np.isnan(before), store.waveforms[MISSING] == MISSING_SAMPLE)
    np.testing.assert_allclose(after[~np.isnan(before)], before[~np.isnan(before)], atol=1e-5)
    gap = after[0, 299:401]
    np.testing.assert_allclose(np.diff(gap), (gap[-1] - gap[0]) / 101, atol=1e-5, err_msg="a straight line")
    before, after = before_and_after(np.array(store.waveforms[SPIKE]), preparation)
    assert (before.max(), after.max()) == (pytest.approx(14.0), pytest.approx(10.0))
    before, after = before_and_after(np.array(store.waveforms[FLAT]), preparation)
    np.testing.assert_allclose(after[LEADS.index("V3")], 0.01, err_msg="0 standard deviations from the mean")


def test_sheets_have_the_proportions_of_the_paper_and_the_figure_states_their_scale(
    store: Store, tmp_path: Path
) -> None:
    figure = build(find_runs([run_on(tmp_path, store)])[0], store.path.parent).figure
    assert len(figure.axes) == 10
    width_in, height_in = figure.get_size_inches()
    for axes in figure.axes:
        place = axes.get_position()
        scales = (
            place.width * width_in * 25.4 / np.ptp(axes.get_xlim()),
            place.height * height_in * 25.4 / np.ptp(axes.get_ylim()),
        )
        assert scales == pytest.approx((scales[0], scales[0]))
    assert any(f"25 mm/s, 10 mm/mV, drawn at {scales[0]:.0%};" in text for text in texts(figure))


def test_files_are_the_same_bytes_whenever_they_are_drawn_and_name_nobody(store: Store, tmp_path: Path) -> None:
    drawings = [build(find_runs([run_on(tmp_path / out, store)])[0], store.path.parent) for out in ("a", "b")]
    for out, drawing in zip(("a", "b"), drawings, strict=True):
        save(drawing, tmp_path / out)
    words = "\n".join([*texts(drawings[0].figure), drawings[0].caption])
    assert "SYNTHETIC" in words
    for suffix in (".pdf", ".png", ".txt"):
        written = (tmp_path / "a" / f"figure2{suffix}").read_bytes()
        assert written == (tmp_path / "b" / f"figure2{suffix}").read_bytes()
        for number in range(N_RECORDS):
            for identifier in (str(RECORD + number), str(PATIENT + number)):
                assert identifier not in words
                assert identifier.encode() not in written


def test_a_store_that_is_gone_is_named_with_the_command_that_makes_it(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_on(tmp_path, store)
    config = OmegaConf.load(run / "config.yaml")
    config.data.store = f"{tmp_path}/gone"
    OmegaConf.save(config, run / "config.yaml")
    assert main([str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert f"{tmp_path}/gone" in message
    assert "python -m ecgmm.prepare data=synthetic data." in message
    assert {"data.raw=r", "data.stores=s"} <= set(message.split())
    assert f"data.store={tmp_path}/gone data.rate_hz=100" in message
    assert not (tmp_path / "gone").exists()


def test_a_store_of_other_data_is_refused(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_on(tmp_path, store, fingerprint="0" * 64)
    assert main([str(tmp_path), "--stores", str(store.path.parent)]) == 2
    assert "is not the store" in capsys.readouterr().err
