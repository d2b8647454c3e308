"""From raw trees to the store: nothing swapped, nothing half-written, other settings another store."""

from pathlib import Path

import numpy as np
import pytest
from hydra.errors import InstantiationException

from ecgmm.commands.command_line import user_message
from ecgmm.data.preparation.opening import store_path
from ecgmm.errors import ConfigError, UserError
from tests.data.trees import MIMIC_ORDER, SHORT, MimicTree, data_config, naming_steps, prepare, write_record

SHUFFLED = tuple(MIMIC_ORDER[index] for index in (7, 2, 11, 0, 5, 9, 1, 4, 10, 3, 8, 6))


@pytest.mark.parametrize(
    "leads", [MIMIC_ORDER, tuple(sorted(MIMIC_ORDER)), SHUFFLED], ids=["mimic", "sorted", "shuffled"]
)
def test_every_sample_names_its_lead_and_time(tmp_path: Path, leads: tuple[str, ...]) -> None:
    MimicTree(tmp_path / "tree", leads=leads)
    store = prepare("mimic_iv_ecg", tmp_path / "tree", SHORT)
    for row, record in enumerate(store.records["record"]):
        expected = np.roll(naming_steps(500), record - 40_000_000, axis=1)
        np.testing.assert_array_equal(store.waveforms[row], expected)


def test_layouts_may_change_from_record_to_record(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    for number in range(0, 30, 2):
        steps = np.roll(naming_steps(500), number, axis=1)
        write_record(tree.root / tree.rows[number]["path"], steps, SHUFFLED)
    store = prepare("mimic_iv_ecg", tree.root, SHORT)
    for row, record in enumerate(store.records["record"]):
        np.testing.assert_array_equal(store.waveforms[row], np.roll(naming_steps(500), record - 40_000_000, axis=1))


def test_flat_and_missing_leads_are_counted_and_the_record_stays(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    steps = naming_steps(500)
    steps[2] = 40
    steps[5] = -32768
    steps[7, :250] = -32768
    write_record(tree.root / tree.rows[0]["path"], steps)
    write_record(tree.root / tree.rows[1]["path"], np.zeros((12, 500), dtype=np.int16))
    records = prepare("mimic_iv_ecg", tree.root, SHORT).records.sort("record")
    assert records["flat_leads"].to_list()[:3] == [2, 12, 0]
    assert records["has_waveform"].to_list()[:3] == [True, False, True]
    assert records["missing_share"].to_list()[:3] == pytest.approx([1.5 / 12, 0, 0])


def test_statistics_are_those_of_the_limited_training_samples(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    rng = np.random.default_rng(0)
    for row in tree.rows:
        steps = rng.normal(20, 300, (12, 500)).astype(np.int16)
        steps[rng.integers(12), 100:150] = -32768
        steps[rng.integers(12)] = 3000
        write_record(tree.root / row["path"], steps)
    store = prepare("mimic_iv_ecg", tree.root, SHORT, "data.limit_mv=2.0")
    steps = store.waveforms[(store.records["split"] == "train").to_numpy()].astype(float)
    millivolts = np.where(steps == -32768, np.nan, (steps * 0.005).clip(-2, 2))
    millivolts[np.nanstd(steps, axis=-1) == 0] = np.nan
    np.testing.assert_allclose(store.manifest["lead_mean_mv"], np.nanmean(millivolts, axis=(0, 2)), atol=1e-6)
    np.testing.assert_allclose(store.manifest["lead_std_mv"], np.nanstd(millivolts, axis=(0, 2)), rtol=1e-5)


def test_sliding_windows_of_a_record_follow_one_another(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    store = prepare("mimic_iv_ecg", tree.root, "data.window={length_s:0.4,mode:sliding,stride_s:0.2,pad:zero}")
    whole = prepare("mimic_iv_ecg", tree.root, SHORT)
    assert store.records["window"].to_list() == [0, 1, 2, 3] * 30
    np.testing.assert_array_equal(store.waveforms[6], whole.waveforms[1][:, 200:400])
    assert store.records["record"].to_list() == np.repeat(whole.records["record"].to_numpy(), 4).tolist()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.root=/nowhere", "/nowhere is not a folder; set data.root"),
        ("data.root=null", "data.root is not set"),
        ("data.rate_hz=300", "choose one of 500, 250, 100"),
        ("data.window.mode=left", "choose center or sliding"),
        ("data.window.pad=wrap", "choose zero or edge"),
        ("data.split.train=0.9", "sum to 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises((UserError, InstantiationException)) as raised:
        prepare("mimic_iv_ecg", tmp_path, override)
    assert message in (user_message(raised.value) or "")


def test_a_store_of_other_settings_is_another_store_and_a_named_one_is_refused(tmp_path: Path) -> None:
    tree = MimicTree(tmp_path / "tree")
    stores = tmp_path / "stores"
    paths = [store_path(data_config("mimic_iv_ecg", tree.root, stores, *given)) for given in ([], ["data.limit_mv=3"])]
    assert paths[0] != paths[1]
    assert paths[0].name.startswith("mimic_iv_ecg-")
    named = f"data.store={tmp_path / 'mine'}"
    first = prepare("mimic_iv_ecg", tree.root, SHORT, named)
    assert prepare("mimic_iv_ecg", tree.root, SHORT, named).fingerprint == first.fingerprint
    with pytest.raises(ConfigError, match=r"made with data.split.seed=42 and not 43"):
        prepare("mimic_iv_ecg", tree.root, SHORT, named, "data.split.seed=43")
    assert prepare("mimic_iv_ecg", tree.root, SHORT, named, "data.root=null").fingerprint == first.fingerprint
