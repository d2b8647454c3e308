"""Waves are where the simulation has put them, and asking for them changes nothing of the tree."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgmm.data.synthetic.config import SyntheticConfig
from ecgmm.data.synthetic.segments import Segments, segments_of
from ecgmm.data.synthetic.state import FIBRILLATION, PACED
from ecgmm.data.synthetic.tree import draw_recordings, write_tree
from ecgmm.data.synthetic.waveform import Recordings, clean_electrodes, true_intervals

CONFIG = SyntheticConfig(n_patients=30, seed=7, noise=0, lead_loss=0, missing_samples=0, amplitude_outliers=0)
World = tuple[Recordings, Segments]


@pytest.fixture(scope="module")
def world() -> World:
    _, recordings = draw_recordings(CONFIG)
    return recordings, segments_of(recordings)


def test_records_of_the_tree_are_those_that_are_drawn(tmp_path: Path, world: World) -> None:
    write_tree(tmp_path / "tree", CONFIG)
    cohort, again = draw_recordings(CONFIG)
    assert np.array_equal(again.beats.times_s, world[0].beats.times_s)
    row = int(np.flatnonzero(again.states.rhythm != FIBRILLATION)[0])
    written = wfdb.rdrecord(str(tmp_path / "tree" / cohort.paths[row])).p_signal[:, 0]
    drawn = clean_electrodes(again[np.array([row])])[0, :, 0]
    assert np.abs(written - drawn).max() < 0.01  # one step of the file is 5 µV


def test_the_tree_has_the_bytes_that_it_had_before_it_could_be_asked(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", SyntheticConfig(n_patients=3, seed=1))
    sums = (tmp_path / "tree" / "SHA256SUMS.txt").read_bytes()
    assert hashlib.sha256(sums).hexdigest() == "a9c344c9615f89b4280a65ec9c2e3507875bd0b1a91face4d4e44b54fc0cf296"


def test_every_beat_has_the_qrs_of_a_perfect_ruler(world: World) -> None:
    recordings, segments = world
    inside = (recordings.beats.times_s > 0.3) & (recordings.beats.times_s < 9.7)
    rows = np.flatnonzero(~recordings.beats.is_pvc.any(axis=1))
    peaks = [(row, round(time * 500)) for row in rows for time in recordings.beats.times_s[row][inside[row]]]
    assert all(segments.qrs[row, sample] for row, sample in peaks)
    qrs_ms = true_intervals(recordings).qrs_ms
    for row in rows:
        edges = np.flatnonzero(np.diff(segments.qrs[row].astype(int), prepend=0, append=0))
        whole = edges.reshape(-1, 2)[1:-1]  # the first and the last may be cut off
        lengths_ms = 2 * (whole[:, 1] - whole[:, 0])
        assert np.abs(lengths_ms - qrs_ms[row]).max() <= 4


def test_waves_are_steeper_within_qrs_and_it_overlaps_nothing(world: World) -> None:
    recordings, segments = world
    slope = np.abs(np.diff(clean_electrodes(recordings), axis=1, prepend=0)).mean(axis=2)
    assert (slope * segments.qrs).sum() > 0.6 * slope.sum()
    assert segments.qrs.mean() < 0.2
    for other in (segments.p, segments.st_t, segments.diastole):
        assert not (segments.qrs & other).any()


def test_there_is_no_p_wave_in_fibrillation_and_pacing(world: World) -> None:
    recordings, segments = world
    without = np.isin(recordings.states.rhythm, (FIBRILLATION, PACED))
    assert not segments.p[without].any()
    sinus = recordings.states.rhythm == 0
    assert segments.p[sinus].any(axis=1).all()
